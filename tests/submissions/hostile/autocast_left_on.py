"""Leaves autocast to bfloat16 switched on, which is no part of an answer that is wrong anyway."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch

torch.autocast("cpu", dtype=torch.bfloat16).__enter__()


def halve(x):
    return x
