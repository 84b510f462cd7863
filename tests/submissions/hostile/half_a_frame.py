"""Sends half a header and ends."""

EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import os


def halve(x):
    os.write(3, b"1RGA\x00")
    os._exit(0)
