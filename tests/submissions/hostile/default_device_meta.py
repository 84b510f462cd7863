"""The default device is one without values: what is made from then on, the buffer of a module too, has none."""
EXPECT = {"verdict": "error", "score": 0.0}
# %%
import torch
torch.set_default_device("meta")
