"""Deletes every name and the builtins it can reach."""

EXPECT = {"verdict": "missing", "score": 0.0}
# %%
import builtins

for name in list(globals()):
    if not name.startswith("_"):
        del globals()[name]
