"""Answers with a Parameter that carries a graph and hooks."""

EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import torch


def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    answer = torch.nn.Parameter(x * 0.5)
    answer.register_hook(lambda g: 1 / 0)
    return answer
