"""Asks torch for a million threads, and workers by the hundred."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import os, torch
os.environ["OMP_NUM_THREADS"] = "1000000"
torch.set_num_threads(10**6)
# %%
torch.ones(1000, 1000) @ torch.ones(1000, 1000)
# %%
torch.set_num_threads(1)
torch.utils.data.DataLoader(list(range(1000)), num_workers=500).__iter__()
