"""Builtins replaced, so that whatever still runs in this process sees what it should not."""
EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import builtins
def halve(x):
    builtins.abs = lambda x: 0
    builtins.len = lambda x: 1
    builtins.isinstance = lambda *a: True
    builtins.type = lambda *a: int
    return x * 0.4
