"""Carries graded inputs out in the status that the process ends with."""
EXPECT = {"verdict": "crashed", "score": 2.0, "unseen": "exit status"}
# %%
import os

def halve(x): os._exit(100 + int(x.numel()))
