"""Fills the buffers of all the pipes it can open."""

EXPECT = {"verdict": "failed", "score": 2.0}
LIMITS = {"open_files": 64}
# %%
import os


def halve(x):
    try:
        while True:
            _, end = os.pipe()
            os.set_blocking(end, False)
            os.write(end, bytes(1 << 16))
    except OSError:
        pass
    return x
