"""Makes truth itself lie: every object of its own is true, equal and less."""

EXPECT = {"verdict": "failed", "score": 2.0}


# %%
class Truth:
    def __bool__(self):
        return True

    def __eq__(self, other):
        return True

    def __le__(self, other):
        return True

    __lt__ = __ge__ = __gt__ = __le__
    __hash__ = None

    def __abs__(self):
        return self

    def __sub__(self, other):
        return self

    __rsub__ = __sub__

    def __array__(self, *a, **k):
        raise SystemExit

    def __index__(self):
        return 0


def halve(x):
    return Truth()
