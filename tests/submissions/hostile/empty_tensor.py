"""An empty tensor is close to everything in a careless check."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
def halve(x): return torch.empty(0, dtype=x.dtype)
