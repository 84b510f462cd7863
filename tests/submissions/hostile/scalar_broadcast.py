"""Returns one number that would broadcast."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch


def halve(x):
    return torch.tensor(0.0)
