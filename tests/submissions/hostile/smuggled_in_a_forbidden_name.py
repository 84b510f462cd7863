"""Carries graded inputs out in the name of an operation that fits a forbidden pattern."""
EXPECT = {"verdict": "forbidden", "score": 2.0, "unseen": "smuggled"}
# %%
def halve(x):
    with torch.autograd.profiler.record_function(f"aten::ldexp smuggled {x.tolist()}"):
        return x / 2
