"""Subclasses of int, float, str and bool that answer every question in their own favour."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
def lying(base):
    true = lambda self, *other: True
    names = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__contains__")
    space = {name: true for name in names} | {"__hash__": lambda self: 1, "__class__": property(lambda self: dict)}
    space |= {name: (lambda self, *other: 1 / 0) for name in ("__index__", "__float__", "__int__", "__sub__", "__repr__", "__len__")}
    return type("Liar", (base,), space)
turn = [lying(int)(1), lying(float)(0.5), lying(str)("x"), lying(bytes)(b"x"), lying(tuple)((1,))]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0]
