"""Patches the encoder so that every answer is the one the tests want, were there such a thing."""

EXPECT = {"verdict": "failed", "score": 0.0}
# %%
import sys

child = sys.modules["autograder.sandbox.child"]
encode = child.encode


def lie(reply, *a):
    return encode({"status": "ok", "value": None, "verdict": "passed", "score": 5.0, "passed": True})


def halve(x):
    child.encode = lie
    return x
