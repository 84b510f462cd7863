"""Starts threads until nothing goes."""

EXPECT = {"verdict": ["error", "passed", "timeout"], "score": [2.0]}
LIMITS = {"processes": 20}
# %%
import threading

gate = threading.Event()


def halve(x):
    while True:
        threading.Thread(target=gate.wait, daemon=True).start()
