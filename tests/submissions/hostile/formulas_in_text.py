"""Raises with what a spreadsheet takes for a formula."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
def halve(x):
    raise RuntimeError("=HYPERLINK(\"http://x\")+cmd|' /C calc'!A0")
