"""Sleeps for a very long time."""

EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.5}
# %%
import time


def halve(x):
    time.sleep(10**9)
