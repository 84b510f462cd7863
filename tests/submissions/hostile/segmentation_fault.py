"""Reads address 0."""
EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import ctypes
def halve(x): return ctypes.string_at(0)
