"""Raises StopIteration, which ends loops of those who are careless."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
def halve(x):
    raise StopIteration(x * 0.5)
