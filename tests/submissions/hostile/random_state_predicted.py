"""Predicts inputs from the generator"s state instead of computing."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import random, numpy, torch


def halve(x):
    torch.manual_seed(42)
    return torch.rand(x.shape).to(x.dtype)
