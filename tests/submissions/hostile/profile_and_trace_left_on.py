"""Leaves its own profile and trace functions switched on, to see or stop the tracer."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import sys


def spy(*a):
    return spy


sys.settrace(spy)
sys.setprofile(spy)


def halve(x):
    return x
