"""Dtypes that the comparison has no entry for."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
turn = [torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16, torch.uint64, torch.complex32]
def halve(x):
    turn.append(turn.pop(0))
    return x.abs().clamp(max=100).to(turn[0])
