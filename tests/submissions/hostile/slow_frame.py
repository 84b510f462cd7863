"""A right answer, one byte at a time, each within the time of a call."""
EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.7}
# %%
import os, sys, time
child = sys.modules["autograder.sandbox.child"]
def slow(descriptor, data):
    time.sleep(0.1)
    return os.write(descriptor, bytes(data[:1]))
def halve(x):
    child._write = slow
    return x * 0.5
