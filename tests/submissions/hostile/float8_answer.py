"""Answers in an eight-bit float."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch


def halve(x):
    return (x.float() * 0.5).to(torch.float8_e4m3fn)
