"""Answers through conjugate and negative views: lazily right is right."""

EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import torch


def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    return torch._neg_view(x * -0.5)
