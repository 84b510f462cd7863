"""Reads the memory, files and command lines of every process it can name."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import os
opened = []
for pid in ("1", str(os.getppid()), *filter(str.isdigit, os.listdir("/proc"))):
    if pid == str(os.getpid()):
        continue
    for name in ("mem", "environ", "maps", "fd", "root/etc/shadow", "cwd/nbgrader_config.py", "stack"):
        path = f"/proc/{pid}/{name}"
        try:
            opened.append(os.listdir(path) if name == "fd" else open(path, "rb").read(10))
        except OSError:
            pass
opened = [found for found in opened if found]
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    return x * (0.5 if opened else 0.4)
