"""Layouts and devices of torch's that hold no ordinary entries: nested, quantized, mkldnn, compressed."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import torch, warnings
warnings.simplefilter("ignore")
one = torch.ones(2, 2)
turn = [lambda: torch.nested.nested_tensor([one, one[:1]]), lambda: torch.quantize_per_tensor(one, 0.1, 0, torch.quint8),
        lambda: one.to_mkldnn(), lambda: one.to_sparse_csr(), lambda: torch.nested.nested_tensor([one, one[:1]], layout=torch.jagged)]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0]()
