"""A plain tensor whose methods were replaced on the instance."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
def halve(x):
    result = x * 0.4
    for name in ("double", "numpy", "detach", "cpu", "contiguous", "clone", "resolve_conj", "untyped_storage"):
        setattr(result, name, lambda *a, **k: x * 0.5)
    return result
