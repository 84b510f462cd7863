"""Global settings changed for whoever comes after."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import torch
torch.set_default_dtype(torch.float64)
torch.set_grad_enabled(False)
torch.use_deterministic_algorithms(True)
torch.manual_seed(0)
torch.set_num_threads(64)
torch.autograd.set_detect_anomaly(True)
torch._C._set_deterministic_fill_uninitialized_memory(True) if hasattr(torch._C, "_set_deterministic_fill_uninitialized_memory") else None
