"""Ends the process inside a graded call, as if all had gone well. Each test gets a fresh process."""
EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import os
def halve(x): os._exit(0)
