"""Raises a class whose name is markup and a megabyte long."""

EXPECT = {"verdict": "error", "score": 2.0}
# %%
Bad = type("<b>" + "x" * (1 << 20), (Exception,), {})


def halve(x):
    raise Bad("x")
