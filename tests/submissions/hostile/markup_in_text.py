"""Raises with markup that a page might take for its own."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
def halve(x):
    raise RuntimeError(
        "<script>alert(1)</script><img src=x onerror=alert(1)>[a](javascript:alert(1)){{7*7}}{0.__class__}%s%n"
    )
