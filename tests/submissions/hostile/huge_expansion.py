"""Four bytes that claim to be a million million entries."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
def halve(x): return torch.zeros(1).expand(10**12)
