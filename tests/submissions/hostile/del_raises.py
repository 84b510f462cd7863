"""An answer"s destructor raises and exits."""

EXPECT = {"verdict": "failed", "score": 2.0}


# %%
class Bomb(float):
    def __del__(self):
        raise SystemExit(0)


def halve(x):
    Bomb(1.0)
    return x
