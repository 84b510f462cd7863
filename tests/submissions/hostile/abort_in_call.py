"""Aborts the interpreter by signal."""

EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import os


def halve(x):
    os.abort()
