"""Adds an audit hook that raises whenever the sandbox does anything."""

EXPECT = {"verdict": ["error", "crashed", "protocol"], "score": [0.0, 2.0]}
# %%
import sys


def halve(x):
    def hook(*a):
        raise RuntimeError("no")

    sys.addaudithook(hook)
    return x * 0.5
