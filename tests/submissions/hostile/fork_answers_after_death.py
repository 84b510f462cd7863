"""A child that answers while its parent dies."""
EXPECT = {"verdict": ["crashed", "protocol"], "score": 2.0}  # whether the child's bytes come before the end is a race
# %%
import os, struct
def halve(x):
    if os.fork() == 0:
        os.write(3, struct.pack("<IQQ", 0x41475231, 1, 1) + b"T")
        while True:
            os.write(3, bytes(1 << 16))
    os._exit(0)
