"""Closes every descriptor in a graded call and lives on."""
EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import os, time
def halve(x):
    os.closerange(0, 100)
    time.sleep(600)
