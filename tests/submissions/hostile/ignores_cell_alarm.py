"""Catches everything in a cell that never ends: the cell is left out, the answers before it count."""

EXPECT = {"verdict": "passed", "score": 5.0}
LIMITS = {"cell_seconds": 0.4}
# %%
import time

while True:
    try:
        time.sleep(60)
    except BaseException:
        pass
