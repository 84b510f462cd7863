"""Forks until nothing goes."""
EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.7, "processes": 16}
# %%
import os
def halve(x):
    while True:
        try:
            os.fork()
        except OSError:
            pass
