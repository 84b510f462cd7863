"""An exception that never ends telling what it is."""
EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.7}
# %%
class Endless(Exception):
    def __str__(self):
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
def halve(x): raise Endless
