"""Always answers in float64."""

EXPECT = {"verdict": "failed", "score": 2.0}


# %%
def halve(x):
    return x.double() * 0.5
