"""Answers with a list subclass that lies about its length and items."""

EXPECT = {"verdict": "failed", "score": 2.0}
LIMITS = {"call_seconds": 3.0}


# %%
class Liar(list):
    def __len__(self):
        return 10**12

    def __iter__(self):
        while True:
            yield 0


def halve(x):
    return Liar([1])
