"""The names that were asked for, bound to what cannot be called as they should."""
EXPECT = {"verdict": "error", "score": 0.0}
# %%
class Callable_:
    def __call__(self, *args): raise self
    def __getattr__(self, name): raise KeyError(name)
    __class__ = int
halve, Halver = 5, Callable_()
