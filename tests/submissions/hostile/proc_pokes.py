"""Writes where the kernel shows processes."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import glob
for path in glob.glob("/proc/[0-9]*/*") + glob.glob("/proc/*") + glob.glob("/proc/sys/kernel/*"):
    if path.startswith(("/proc/self", "/proc/thread-self", "/proc/2/")):
        continue
    try:
        open(path, "w").write("1")
    except OSError:
        pass
