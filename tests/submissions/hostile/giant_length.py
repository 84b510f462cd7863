"""A frame that says it has eight exabytes."""
EXPECT = {"verdict": "protocol", "score": 2.0}
# %%
import os, struct, sys
def halve(x):
    frame = sys._getframe()
    while "number" not in frame.f_locals:
        frame = frame.f_back
    os.write(3, struct.pack("<IQQ", 0x41475231, frame.f_locals["number"], 1 << 63))
    while True:
        pass
