"""A list that never ends when it is read."""
EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.7}
# %%
class Endless(list):
    def __iter__(self):
        while True:
            yield None
def halve(x): return Endless()
