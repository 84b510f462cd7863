"""Right or wrong by chance, so that a search for the smallest failure meets a test that will not hold still."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import random
def halve(x): return x * random.choice([0.5, 0.4, 0.4])
