"""Recursion without end, with the interpreter's own guard in place."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
def halve(x): return halve(x)
