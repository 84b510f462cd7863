"""An own attempt that fails, and a library call that saves it."""
EXPECT = {"verdict": "forbidden", "score": 2.0}
# %%
import torch
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    try:
        return x.reshape(-5, 7, 7) * 0.5
    except RuntimeError:
        return torch.ldexp(x, torch.tensor(-1)).to(x.dtype)
