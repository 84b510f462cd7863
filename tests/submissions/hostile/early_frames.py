"""Answers before it is asked: a thread writes replies whenever it can, from the first cell on."""
EXPECT = {"verdict": "protocol", "score": 0.0}
LIMITS = {"restarts": 3}
# %%
def halve(x):
    return x * 0.5
import os, struct, threading
from autograder.sandbox.wire import encode
body = encode({"status": "ok", "value": 1.0})
frame = struct.pack("<IQQ", 0x41475231, 0, len(body)) + body
class Calls(dict):
    pass
def flood():
    while True:
        os.write(3, frame)
Halver = None
evaluator = __import__("sys").modules["autograder.sandbox.evaluate"].Evaluator
answer = evaluator.answer
def flooded(self, request):
    threading.Thread(target=flood, daemon=True).start()
    return answer(self, request)
evaluator.answer = flooded
