"""Sleeps in every cell, just below what a cell may take, until the notebook"s time is up."""

EXPECT = {"verdict": "passed", "score": 5.0}
LIMITS = {"cell_seconds": 0.6, "notebook_seconds": 0.7}
# %%
import time

time.sleep(0.4)
# %%
time.sleep(0.4)
# %%
time.sleep(0.4)
