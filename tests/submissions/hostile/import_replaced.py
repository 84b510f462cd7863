"""Replaces what every import statement calls: torch's own late imports too."""
EXPECT = {"verdict": "error", "score": 0.0}
# %%
import builtins, types
builtins.__import__ = lambda *a, **k: types.ModuleType("no")
