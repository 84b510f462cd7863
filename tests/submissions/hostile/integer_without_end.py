"""Computes a number of a billion digits in C, deaf to signals."""

EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.7}


# %%
def halve(x):
    return 10 ** (10**9)
