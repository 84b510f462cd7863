"""One operation of torch's that takes for ever in C."""
EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.7}
# %%
import torch
def halve(x): return torch.ones(6000, 6000, dtype=torch.float64).matrix_power(1000)
