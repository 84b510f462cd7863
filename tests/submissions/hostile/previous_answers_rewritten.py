"""Returns one buffer again and again and rewrites it."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch

buffer = torch.zeros(64)


def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    buffer.zero_()
    return buffer[: x.numel()].to(x.dtype).reshape(x.shape) if x.numel() <= 64 else x
