"""Containers around a right answer: in a list, a tuple, a dict, a subclass of one, a set."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import collections
Pair = collections.namedtuple("Pair", "a b")
class Own(list):
    __len__ = lambda self: 10**18
    __iter__ = lambda self: iter(())
turn = [lambda y: [y], lambda y: (y,), lambda y: {"y": y}, lambda y: Pair(y, y), lambda y: Own([y]), lambda y: {1, 2}, lambda y: y.tolist(), lambda y: y.numpy()]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0](x * 0.5)
