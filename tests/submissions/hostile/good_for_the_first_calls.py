"""Right for the first calls, which may be the public ones, then wrong: and the other way round."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
calls = 0
def halve(x):
    global calls
    calls += 1
    return x * (0.5 if calls < 5 else 0.4)
