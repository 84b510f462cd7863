"""Threads until there are no more, each with a stack as large as it can ask for."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import threading, time
threading.stack_size(64 << 20)
try:
    for _ in range(10**4):
        threading.Thread(target=time.sleep, args=(10**6,), daemon=True).start()
except RuntimeError:
    pass
