"""Tensors that only pretend: fake ones, and subclasses that dispatch to lies."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
class Wrapped(torch.Tensor):
    @staticmethod
    def __new__(cls, x):
        return torch.Tensor._make_wrapper_subclass(cls, x.shape, dtype=x.dtype)
    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return torch.zeros(())
    __torch_function__ = torch._C._disabled_torch_function_impl
def fake(x):
    with FakeTensorMode() as mode:
        return mode.from_tensor(x)
turn = [fake, Wrapped]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0](x)
