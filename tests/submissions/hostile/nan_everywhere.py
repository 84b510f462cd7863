"""NaN is a wildcard where the check is "not (error > tolerance)"."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
def halve(x): return x * float("nan")
