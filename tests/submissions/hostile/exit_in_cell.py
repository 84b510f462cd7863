"""Ends the process in a cell: the notebook is run again without that cell."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %% before
import os
os._exit(0)
