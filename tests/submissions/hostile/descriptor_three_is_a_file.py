"""Puts a file in the place of the socket."""

EXPECT = {"verdict": ["crashed", "timeout"], "score": 2.0}
LIMITS = {"call_seconds": 1.0}
# %%
import os


def halve(x):
    os.dup2(os.open("/tmp/answers", os.O_RDWR | os.O_CREAT), 3)
    return x * 0.5
