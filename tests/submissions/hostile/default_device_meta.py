"""The default device is one without values: what is made from then on, the buffer of a module too, would have none."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import torch
torch.set_default_device("meta")
