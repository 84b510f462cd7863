"""A tensor without values."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
def halve(x): return x.to("meta")
