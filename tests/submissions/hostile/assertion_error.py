"""Raises the exception class that the tests themselves fail with."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
def halve(x):
    raise AssertionError("expected == got")
