"""Raises MemoryError without using any memory: it is taken at its word, which earns nothing."""

EXPECT = {"verdict": "memory", "score": 2.0}


# %%
def halve(x):
    raise MemoryError
