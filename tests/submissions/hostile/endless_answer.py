"""A list that never ends when it is asked for its items: what it holds is read past it."""
EXPECT = {"verdict": "failed", "score": 2.0}
LIMITS = {"call_seconds": 0.7}
# %%
class Endless(list):
    def __iter__(self):
        while True:
            yield None
def halve(x): return Endless()
