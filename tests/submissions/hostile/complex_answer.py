"""Answers in complex numbers whose real part is right."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch


def halve(x):
    return (x.double() * 0.5).to(torch.complex128)
