"""A layout that careless code cannot read."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
def halve(x): return torch.sparse_coo_tensor(torch.zeros((1, 1), dtype=torch.long), [1.0], (10**12,))
