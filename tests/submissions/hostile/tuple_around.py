"""Wraps the right tensor in a tuple of one."""

EXPECT = {"verdict": "failed", "score": 2.0}


# %%
def halve(x):
    return (x * 0.5,)
