"""The same, in children that stay below the limit each."""
EXPECT = {"verdict": "memory", "score": 2.0}
LIMITS = {"memory_bytes": 268435456, "call_seconds": 20}
# %%
import os, time
def halve(x):
    for _ in range(5):
        if os.fork() == 0:
            kept = bytearray(100 << 20)
            time.sleep(600)
    time.sleep(600)
