"""Backtracks in a regular expression for ever."""

EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.7}
# %%
import re


def halve(x):
    return re.match(r"(a+)+$", "a" * 60 + "b")
