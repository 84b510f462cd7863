"""Fresh memory, which may still hold the answer that the reference left there."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
def halve(x): return torch.empty(x.shape, dtype=x.dtype).add_(1e30)
