"""SystemExit(0) is an exception like any other."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
import sys
def halve(x): sys.exit(0)
