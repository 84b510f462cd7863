"""Half an answer, and then nothing more."""
EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.7}
# %%
import os, struct, sys, time
def halve(x):
    frame = sys._getframe()
    while "number" not in frame.f_locals:
        frame = frame.f_back
    os.write(3, struct.pack("<IQQ", 0x41475231, frame.f_locals["number"], 1000) + b"d")
    time.sleep(600)
