"""An autograd function whose forward and backward say different things; the value is wrong."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
class Forged(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x * 0.4
    @staticmethod
    def backward(ctx, grad): return grad * 0.5
def halve(x): return Forged.apply(x.clone().requires_grad_() if x.is_floating_point() else x)
