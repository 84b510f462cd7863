"""Waits for a person to type something."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
def halve(x):
    return float(input()) * x
