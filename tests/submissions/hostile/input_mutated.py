"""Changes its input so that a comparison with it agrees."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
def halve(x): return x.zero_()
