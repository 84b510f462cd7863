"""Memory in files that live in memory: the scratch space has a size."""
EXPECT = {"verdict": "passed", "score": 5.0}
LIMITS = {"scratch_bytes": 33554432, "memory_bytes": 536870912}
# %%
import os
for folder in ("/tmp", "/dev/shm", "."):
    for number in range(100):
        try:
            with open(f"{folder}/{number}", "wb") as file:
                os.posix_fallocate(file.fileno(), 0, 1 << 40)
        except OSError:
            pass
        try:
            with open(f"{folder}/{number}", "wb") as file:
                for _ in range(100):
                    file.write(bytes(1 << 20))
        except OSError:
            pass
