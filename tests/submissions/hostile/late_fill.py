"""An answer that is filled only after it was given, when the reply has gone."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import threading, torch
def halve(x):
    answer = torch.full_like(x, 3.0)
    threading.Timer(0.01, answer.copy_, (x * 0.5,)).start()
    return answer
