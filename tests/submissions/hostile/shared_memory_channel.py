"""Looks for what an earlier submission left in shared memory and locks."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import os


def halve(x):
    found = [os.path.exists(os.path.join(folder, "mark")) for folder in ("/tmp", "/dev/shm", ".")]
    for folder in ("/tmp", "/dev/shm", "."):
        with open(os.path.join(folder, "mark"), "a"):
            pass
    return x * 0.5 if any(found) and halve.first else x


halve.first = False
