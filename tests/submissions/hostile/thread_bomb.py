"""Threads without end that all compute, so that a graded call gets no turn."""
EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.7, "processes": 32}
# %%
import sys, threading
def spin():
    while True:
        pass
def halve(x):
    sys.setswitchinterval(1000)
    while True:
        try:
            threading.Thread(target=spin, daemon=True).start()
        except RuntimeError:
            pass
