"""Carries graded inputs out in the text of an exception: a student never reads it."""
EXPECT = {"verdict": "error", "score": 2.0, "unseen": "smuggled"}
# %%
def halve(x): raise ValueError(f"smuggled {x.tolist()}")
