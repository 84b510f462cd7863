"""Overwrites its own right answer by accident, as people do."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
from math import *

halve = lambda x: x
