"""Claims a frame of 2**63 bytes."""

EXPECT = {"verdict": "protocol", "score": 2.0}
# %%
import gc, os, struct, sys


def halve(x):
    frame = sys._getframe()
    while "number" not in frame.f_locals:
        frame = frame.f_back
    os.write(3, struct.pack("<IQQ", 0x41475231, frame.f_locals["number"], 1 << 63))
    os._exit(0)
