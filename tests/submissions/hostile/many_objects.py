"""More objects than there are handles."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
def halve(x): return [object() for _ in range(6000)]
