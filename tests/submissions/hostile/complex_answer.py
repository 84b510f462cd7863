"""A right real part with an imaginary one, to get lost in a cast."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
def halve(x): return torch.complex(x.double() * 0.5, x.double() * 0)
