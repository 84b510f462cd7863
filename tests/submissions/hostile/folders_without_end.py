"""Makes a tree too deep for most programs and closes it to itself."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import os


def halve(x):
    os.chdir("/tmp")
    for _ in range(1000):
        os.makedirs("d", exist_ok=True)
        os.chdir("d")
    os.makedirs("shut", 0, exist_ok=True)
    os.chdir("/")
    return x
