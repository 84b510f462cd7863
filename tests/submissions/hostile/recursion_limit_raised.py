"""Raises the recursion limit and recurses until the C stack is gone."""

# Which stack ends first is a matter of the interpreter's version.
EXPECT = {"verdict": ["memory", "crashed", "error"], "score": 2.0}
LIMITS = {"memory_bytes": 268435456}
# %%
import sys

sys.setrecursionlimit(10**9)


def deep(n):
    return deep(n + 1) + 1


def halve(x):
    return deep(0)
