"""A file that says it has a tebibyte, and a thousand of them."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for number in range(1000):
    with open(f"sparse{number}", "wb") as file:
        for size in (1 << 40, 1 << 26):
            try:
                os.truncate(file.fileno(), size)
                break
            except OSError:
                pass
# %%
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
os.truncate("sparse0", 1 << 40)
