"""An exception with a text of 200 MB, and a class with a name of one."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
Long = type("L" * (1 << 20), (Exception,), {})
class Huge(Exception):
    def __str__(self): return "x" * (200 << 20)
turn = [Long("x"), Huge()]
def halve(x):
    turn.append(turn.pop(0))
    raise turn[0]
