"""Sends its reply a byte at a time, more slowly than the call may take."""

EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.6}
# %%
import os, struct, time


def halve(x):
    head = struct.pack("<IQQ", 0x41475231, 1, 1 << 20)
    while True:
        os.write(3, head[:1])
        time.sleep(0.05)
        head = head[1:] or head
