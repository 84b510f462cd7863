"""Things that only promise an answer: a generator, a coroutine, a future, a partial, a property."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import concurrent.futures, functools, itertools
class Lazy:
    def __getattr__(self, name): return Lazy()
    __call__ = __getitem__ = lambda self, *a, **k: Lazy()
async def later(x): return x * 0.5
turn = [lambda x: (entry * 0.5 for entry in x), later, lambda x: concurrent.futures.Future(), lambda x: functools.partial(x.mul, 0.5),
        lambda x: map(float, [1]), lambda x: itertools.count(), lambda x: Lazy(), lambda x: range(10**12), lambda x: memoryview(b"x"), lambda x: Ellipsis]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0](x)
