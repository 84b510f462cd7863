"""Answers where a relative tolerance means nothing: all zero, all huge, all tiny."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
turn = [torch.zeros_like, lambda x: torch.full_like(x, 1e38), lambda x: torch.full_like(x, -0.0), lambda x: torch.full_like(x, float("inf"))]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0](x)
