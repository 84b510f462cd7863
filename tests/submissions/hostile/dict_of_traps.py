"""A dict whose keys and values are code: reading it runs it."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
class Key(str):
    __hash__ = lambda self: 5
    def __eq__(self, other): raise RuntimeError("compared")
    def __str__(self): raise RuntimeError("shown")
class Mapping(dict):
    def items(self): raise RuntimeError("read")
    __len__ = lambda self: -1
turn = [{Key("a"): 1}, Mapping(a=1), {(1, 2): 3, None: 4, 1.5: 5, float("nan"): 6}, {b"\xff": object()}]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0]
