"""Standard streams that are no streams."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import sys
sys.stdout = sys.stderr = sys.stdin = sys.__stdout__ = None
print("lost")
# %%
sys.stdout = object()
