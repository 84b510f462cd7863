"""Writes over the interpreter"s own objects."""

EXPECT = {"verdict": ["crashed", "failed"], "score": [0.0, 2.0]}
# %%
import ctypes


def halve(x):
    ctypes.memset(id(None), 255, 16)
    return x
