"""Maps memory and touches it."""

EXPECT = {"verdict": "memory", "score": 2.0}
LIMITS = {"memory_bytes": 268435456}
# %%
import mmap


def halve(x):
    kept = []
    while True:
        area = mmap.mmap(-1, 1 << 26, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        area.write(b"x" * (1 << 26))
        kept.append(area)
