"""Returns a generator that would compute later."""

EXPECT = {"verdict": "failed", "score": 2.0}


# %%
def halve(x):
    return (v * 0.5 for v in x)
