"""Waits without using the processor: sleep, an event nobody sets, a lock it holds, a child that never ends."""
EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.7}
# %%
import subprocess, threading, time
def halve(x):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=0.1)
    subprocess.run(["sleep", "0.1"])
    threading.Event().wait()
