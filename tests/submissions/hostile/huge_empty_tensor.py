"""No entry at all, in dimensions whose product no counter holds."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
turn = [torch.empty(0, 1 << 40), torch.empty(1 << 41, 0), torch.empty(0, 1 << 31, 1 << 31), torch.empty((1,) * 20), torch.empty((0,) * 60)]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0]
