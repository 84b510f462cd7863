"""Spins in children so that its own processor time looks small."""

EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"cpu_seconds": 1, "call_seconds": 20.0}
# %%
import os, time


def halve(x):
    for _ in range(3):
        if os.fork() == 0:
            while True:
                pass
    time.sleep(60)
