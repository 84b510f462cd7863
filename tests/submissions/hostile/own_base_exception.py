"""Raises a BaseException of its own with a class name that looks like a verdict."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
class passed(BaseException):
    pass


passed.__module__ = "builtins"


def halve(x):
    raise passed("passed")
