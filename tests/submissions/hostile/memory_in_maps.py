"""Memory by every call that gives it: private, shared, locked, huge, on files."""
EXPECT = {"verdict": "memory", "score": 2.0}
LIMITS = {"memory_bytes": 268435456, "call_seconds": 20}
# %%
import mmap
def halve(x):
    kept = []
    for flags in (mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS):
        try:
            for _ in range(100):
                kept.append(mmap.mmap(-1, 16 << 20, flags=flags))
                kept[-1].write(b"x" * (16 << 20))
        except (OSError, MemoryError):
            pass
    raise MemoryError
