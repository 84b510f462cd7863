"""Kills itself with the one signal that nobody can catch."""

EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import os, signal


def halve(x):
    os.kill(os.getpid(), signal.SIGKILL)
