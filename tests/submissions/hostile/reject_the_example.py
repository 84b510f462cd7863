"""hypothesis.reject() on inputs that are hard: the property then passes on the rest."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
import hypothesis
def halve(x): hypothesis.reject()
