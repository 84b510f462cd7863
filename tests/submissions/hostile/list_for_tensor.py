"""Returns nested lists where a tensor belongs."""

EXPECT = {"verdict": "failed", "score": 2.0}


# %%
def halve(x):
    return (x * 0.5).tolist()
