"""Returns a future that a thread will fill."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import concurrent.futures

pool = concurrent.futures.ThreadPoolExecutor(1)


def halve(x):
    return pool.submit(lambda: x * 0.5)
