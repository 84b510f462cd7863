"""Views that are computed only when read: conjugate and negative. As values they are right."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import torch
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    if x.dtype.itemsize < 4:
        return x * 0.5
    lazily = torch.complex(torch.zeros_like(x), x * -0.5).conj().imag
    assert lazily.is_neg()
    return lazily
