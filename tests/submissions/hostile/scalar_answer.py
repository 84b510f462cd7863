"""Shapes that broadcast against any other."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
def halve(x): return (x * 0.5).reshape(1, 1, *x.shape)
