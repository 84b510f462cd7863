"""Keeps the first answer for every shape and dtype and gives it again."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
known = {}
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    return known.setdefault((x.dim(), x.dtype), x * 0.5)
