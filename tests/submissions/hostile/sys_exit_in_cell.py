"""Leaves a cell by every polite door; the cells after it run."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %% before
import sys
sys.exit(0)
# %% before
exit()
# %% before
quit
# %% before
raise KeyboardInterrupt
