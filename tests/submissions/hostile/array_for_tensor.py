"""Returns a numpy array where a tensor belongs."""

EXPECT = {"verdict": "failed", "score": 2.0}


# %%
def halve(x):
    return (x * 0.5).numpy() if x.dtype.is_floating_point and x.element_size() > 2 else (x * 0.5).float().numpy()
