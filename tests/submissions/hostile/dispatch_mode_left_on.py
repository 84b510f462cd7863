"""Enters a dispatch mode that never ends and turns every result into zeros."""

EXPECT = {"verdict": "failed", "score": [0.0, 2.0]}
# %%
import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Zero(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


mode = Zero()
mode.__enter__()


def halve(x):
    return x
