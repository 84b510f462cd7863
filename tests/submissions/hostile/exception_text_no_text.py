"""Exceptions whose text is no text, and whose class lies about its kin."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
class Text(str):
    def __getitem__(self, key): return 5
    encode = __str__ = None
class Number(Exception):
    def __str__(self): return 5
class Sub(Exception):
    def __str__(self): return Text("x")
class Missing(Exception):
    __class__ = NotImplementedError
    __traceback__ = property(lambda self: 1 / 0)
turn = [Number(), Sub(), Missing()]
def halve(x):
    turn.append(turn.pop(0))
    raise turn[0]
