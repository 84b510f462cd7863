"""Defines look-alike names in other alphabets that a reviewer would take for the answer."""

EXPECT = {"verdict": "failed", "score": 2.0}


# %%
def hаlve(x):
    return x * 0.5


def halve(x):
    return x
