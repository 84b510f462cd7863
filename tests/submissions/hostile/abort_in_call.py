"""Ends the process by a signal of its own: abort, kill, an alarm without a handler."""
EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import os, signal
def halve(x):
    if x.dtype.itemsize == 4:
        os.abort()
    os.kill(os.getpid(), signal.SIGKILL)
