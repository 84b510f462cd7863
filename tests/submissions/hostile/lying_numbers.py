"""Answers with int and float subclasses that lie in every operation."""

EXPECT = {"verdict": "failed", "score": 2.0}


# %%
class Liar(float):
    def __eq__(self, other):
        return True

    def __float__(self):
        return 0.5

    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__
    __hash__ = float.__hash__


def halve(x):
    return Liar(7.0)
