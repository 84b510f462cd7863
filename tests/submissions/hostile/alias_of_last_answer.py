"""Every answer is the same memory: a later call rewrites what an earlier one gave."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
memory = torch.empty(1 << 20, dtype=torch.float64)
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    answer = memory[: x.numel()].view(x.shape)
    answer.copy_(x)
    return answer.mul_(0.4).to(x.dtype)
