"""Installs handlers for every signal and alarms itself; a wrong answer stays wrong."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import signal

for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, lambda *a: None)


def halve(x):
    return x
