"""Answers with a nested tensor."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch, warnings

warnings.simplefilter("ignore")


def halve(x):
    return torch.nested.nested_tensor([x.float() * 0.5])
