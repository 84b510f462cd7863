"""A list inside a list, ten thousand times; and one that holds itself."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
deep, own = [], []
own.append(own)
for _ in range(10000):
    deep = [deep]
turn = [deep, own]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0]
