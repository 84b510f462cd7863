"""An object that equals everything."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
class Equal:
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = lambda self, *other: 0
    __float__ = lambda self: 0.0
    __bool__ = lambda self: True
    __array__ = lambda self, *a, **k: None
    __torch_function__ = classmethod(lambda *a: True)
    dtype = shape = property(lambda self: self)
    is_floating_point = lambda self: self
def halve(x): return Equal()
