"""Looks for the random state that inputs are drawn from, and knows them before they come."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import random, numpy, torch
known = {}
for seed in (0, 1, 7, 42, 1234, 2024):
    torch.manual_seed(seed); numpy.random.seed(seed); random.seed(seed)
    for shape in ((), (1,), (2,), (3,), (2, 2), (2, 3)):
        drawn = torch.randn(shape)
        known[tuple(drawn.flatten().tolist())] = drawn * 0.5
def halve(x):
    return known.get(tuple(x.flatten().tolist()), x * 0.4)
