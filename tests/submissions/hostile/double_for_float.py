"""Right values in more digits than were asked for."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
def halve(x): return x.double() * 0.5
