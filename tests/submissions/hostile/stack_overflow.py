"""Recursion through C without a guard."""
EXPECT = {"verdict": ["crashed", "error"], "score": 2.0}
# %%
import sys
sys.setrecursionlimit(10**9)
def halve(x): return sorted([x], key=halve)
