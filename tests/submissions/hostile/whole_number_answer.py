"""Right values rounded to whole numbers, in a dtype without a fraction."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
def halve(x): return (x * 0.5).nan_to_num(0, 0, 0).to(torch.int64)
