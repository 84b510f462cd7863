"""An answer with a graph whose hooks run code in whoever goes backward through it. As a value it is right."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import torch
def boom(*args): raise SystemExit
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    answer = x.clone().requires_grad_() * 0.5
    answer.register_hook(boom)
    answer.grad_fn.register_prehook(boom)
    return answer
