"""The largest answer that is read at all, again and again."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
kept = torch.zeros(15 << 20)
def halve(x): return kept
