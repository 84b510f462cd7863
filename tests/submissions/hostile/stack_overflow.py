"""Recursion through C without a guard."""
EXPECT = {"verdict": ["crashed", "error"], "score": 2.0}  # newer interpreters guard recursion through C as well
# %%
import sys
sys.setrecursionlimit(10**9)
def halve(x): return sorted([x], key=halve)
