"""A loop without end in a cell, which catches what comes and masks the alarm."""
EXPECT = {"verdict": "passed", "score": 5.0}
LIMITS = {"cell_seconds": 0.3}
# %%
import signal
signal.signal(signal.SIGALRM, signal.SIG_IGN)
while True:
    pass
