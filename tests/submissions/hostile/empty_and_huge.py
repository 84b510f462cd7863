"""Answers with no entries in a shape of 10**15."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch


def halve(x):
    return torch.ones(0, 10**15)
