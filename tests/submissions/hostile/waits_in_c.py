"""Waits in C for a lock that nobody opens."""

EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.5}
# %%
import threading


def halve(x):
    threading.Event().wait()
