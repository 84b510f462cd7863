"""Raises an exception whose __str__ returns a number and whose __repr__ exits."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
class Odd(Exception):
    def __str__(self):
        return 5

    def __repr__(self):
        raise SystemExit(0)


def halve(x):
    raise Odd
