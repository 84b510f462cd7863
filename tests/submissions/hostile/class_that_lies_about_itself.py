"""Answers with an object whose __class__ says Tensor."""

EXPECT = {"verdict": "error", "score": 2.0}
# %%
import torch


class Liar:
    @property
    def __class__(self):
        return torch.Tensor

    def __getattr__(self, name):
        return lambda *a, **k: self


def halve(x):
    return Liar()
