"""Raises a group of a thousand exceptions, nested."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
def halve(x):
    group = ExceptionGroup("x", [ValueError("y")] * 1000)
    for _ in range(50):
        group = ExceptionGroup("x", [group])
    raise group
