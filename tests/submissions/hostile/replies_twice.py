"""Answers each request twice with the right number."""

EXPECT = {"verdict": "protocol", "score": [0.0, 2.0]}
# %%
import sys

child = sys.modules["autograder.sandbox.child"]
send = child._send


def twice(*a):
    send(*a)
    send(*a)


def halve(x):
    child._send = twice
    return x * 0.5
