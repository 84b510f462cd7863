"""A forbidden operation that its name does not tell: the trace does."""
EXPECT = {"verdict": "forbidden", "score": 2.0}
# %%
import base64, torch
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    operation = getattr(getattr(torch.ops, "at" + "en"), base64.b64decode("bGRleHA=").decode())
    return operation.Tensor(x, torch.tensor(-1)).to(x.dtype)
