"""Replaces modules that the sandbox itself uses."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import sys, types

for name in ("json", "struct", "traceback", "numpy.testing", "torch.testing"):
    sys.modules[name] = types.ModuleType(name)


def halve(x):
    return x
