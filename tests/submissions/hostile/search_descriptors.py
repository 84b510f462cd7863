"""Looks for files and folders behind the descriptors it was born with."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import os
known = {0, 1, 2, 3}
others = []
for name in os.listdir("/proc/self/fd"):
    try:
        target = os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        continue
    if not target.startswith(("/dev/null", "socket:", "/proc/")):
        others.append(target)
for descriptor in range(64):
    try:
        others.append(os.open("..", os.O_RDONLY, dir_fd=descriptor))
    except OSError:
        pass
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    return x * (0.5 if others else 0.4)
