"""Answers with a quantized tensor."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch, warnings

warnings.simplefilter("ignore")


def halve(x):
    return torch.quantize_per_tensor(x.float() * 0.5, 0.1, 0, torch.quint8)
