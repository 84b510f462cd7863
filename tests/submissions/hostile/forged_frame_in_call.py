"""The same from inside a graded call."""
EXPECT = {"verdict": "protocol", "score": 2.0}
# %%
import os, struct
def halve(x):
    os.write(3, struct.pack("<IQQ", 0x41475231, 1, 1) + b"T")
    return x * 0.5
