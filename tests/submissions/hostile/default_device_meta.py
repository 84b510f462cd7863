"""Makes meta the default device: new tensors have no values."""

EXPECT = {"verdict": ["failed", "error"], "score": [0.0, 2.0]}
# %%
import torch

torch.set_default_device("meta")


def halve(x):
    return x
