"""A tensor subclass that answers every question in its own favour."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch
class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True
def halve(x): return (x * 0.4).as_subclass(Liar)
