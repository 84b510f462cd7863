"""An nn.Parameter with the right values is a value like any other."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
from torch import nn
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    return nn.Parameter(x * 0.5)
