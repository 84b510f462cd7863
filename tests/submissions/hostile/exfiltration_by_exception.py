"""Tells its inputs in the exception"s text, for the next attempt to use."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
def halve(x):
    raise RuntimeError(repr(x.tolist()))
