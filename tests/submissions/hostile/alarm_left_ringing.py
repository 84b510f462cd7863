"""Leaves a timer that raises in the middle of later calls."""

# Where the alarm rings next decides what else it costs.
EXPECT = {"verdict": ["crashed", "error"], "score": [2.0, 0.0]}
# %%
import signal


class Late(BaseException):
    pass


def ring(*a):
    raise Late


signal.signal(signal.SIGALRM, ring)


def halve(x):
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    while True:
        pass
