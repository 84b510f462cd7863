"""Contexts entered and never left: autocast, inference mode, anomaly detection."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import torch
torch.autocast("cpu", dtype=torch.bfloat16).__enter__()
LEFT = torch.inference_mode()
LEFT.__enter__()
torch.autograd.set_detect_anomaly(True)
torch.autograd.graph.save_on_cpu().__enter__()
torch.use_deterministic_algorithms(True, warn_only=False)
