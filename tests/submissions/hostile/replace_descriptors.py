"""Puts other files in the place of its descriptors."""
EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import os
def halve(x):
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in range(4):
        os.dup2(null, descriptor)
    return x * 0.5
