"""Asks torch for a million threads."""

EXPECT = {"verdict": ["passed", "error"], "score": [5.0, 2.0]}
# %%
import torch

torch.set_num_threads(10**6)
