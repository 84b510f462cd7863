"""A number of a million digits, a text of a hundred million characters, in turn."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
turn = [1 << 10**6, "x" * 10**8, 1 << 500, float("inf")]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0]
