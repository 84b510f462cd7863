"""A finalizer tries to write into the wire when its object dies."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import os, weakref


class Thing:
    pass


def halve(x):
    thing = Thing()
    weakref.finalize(thing, lambda: None)
    return x
