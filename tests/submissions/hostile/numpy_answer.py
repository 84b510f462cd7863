"""Arrays of numpy's with dtypes that torch does not know, and one that lies about its memory."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import numpy as np
class Own(np.ndarray):
    def __array_finalize__(self, *a): pass
    def __array_function__(self, *a, **k): return True
    def __array_ufunc__(self, *a, **k): return True
turn = [np.ones(2, np.longdouble), np.ones(2, np.uint64), np.array(["a" * 10**5]), np.array([object()]), np.ones(2).view(Own), np.zeros(1, "datetime64[s]"),
        np.lib.stride_tricks.as_strided(np.zeros(1), (10**6, 10**6), (0, 0)), np.zeros(2, "i4,f8"), np.zeros(2, ">f4"), np.zeros((1,) * 32)]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0]
