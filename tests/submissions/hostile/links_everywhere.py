"""Leaves links, pipes and sockets where results might be read or written."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import os, socket

for name in ("results.json", "halving.json", "feedback.html", "gradebook.db"):
    for folder in (".", "/tmp"):
        try:
            os.symlink("/etc/passwd", os.path.join(folder, name))
        except OSError:
            pass
os.mkfifo("pipe")


def halve(x):
    return x
