"""Behaves for the first three calls and then no more."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
calls = 0


def halve(x):
    global calls
    if not x.is_floating_point():
        raise ValueError("x")
    calls += 1
    return x * 0.5 if calls <= 3 else x
