"""Signal handlers and timers that a cell leaves behind, to go off in a graded call."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import signal
def loud(*args): raise KeyboardInterrupt
for number in (signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGUSR1, signal.SIGINT, signal.SIGPIPE):
    signal.signal(number, loud)
signal.setitimer(signal.ITIMER_REAL, 0.05)
signal.setitimer(signal.ITIMER_VIRTUAL, 3600)
