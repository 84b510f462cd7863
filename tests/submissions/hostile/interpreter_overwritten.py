"""Writes over the interpreter's own objects: small numbers, None, types."""
EXPECT = {"verdict": ["crashed", "error", "failed", "protocol", "timeout"], "score": 2.0}  # nobody can say how such a process ends
LIMITS = {"call_seconds": 2.0}
# %%
import ctypes
def halve(x):
    for number in range(1, 10):
        ctypes.memset(id(number) + 16, 7, 8)
    ctypes.memset(id(type(x)), 0, 64)
    ctypes.memset(id(None), 0, 16)
    return x * 0.4
