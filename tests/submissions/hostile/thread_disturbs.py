"""A thread of an earlier call that changes what later calls are given and give."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import gc, threading, torch
last = []
def disturb():
    while True:
        for tensor in last[-3:]:
            tensor.zero_()
def halve(x):
    if not last:
        threading.Thread(target=disturb, daemon=True).start()
    answer = x * 0.4
    last.append(answer)
    return answer
