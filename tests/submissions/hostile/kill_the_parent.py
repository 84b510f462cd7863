"""Signals for everyone it can name."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import os, signal
for pid in (os.getppid(), 1, 0x7FFFFFFF):
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGSEGV):
        try:
            os.kill(pid, number)
        except OSError:
            pass
