"""Raises the recursion limit and recurses until the C stack is gone."""

EXPECT = {"verdict": ["memory", "crashed", "error"], "score": 2.0}  # which stack ends first hangs on the interpreter
LIMITS = {"memory_bytes": 268435456}
# %%
import sys

sys.setrecursionlimit(10**9)


def deep(n):
    return deep(n + 1) + 1


def halve(x):
    return deep(0)
