"""Finds the number of the open request in the caller's frame and answers it with a verdict of its own."""
EXPECT = {"verdict": "protocol", "score": 2.0}
# %%
import os, struct, sys
from autograder.sandbox.wire import encode
def halve(x):
    frame = sys._getframe()
    while "number" not in frame.f_locals:
        frame = frame.f_back
    body = encode({"status": "passed", "points": 5.0, "verdict": "passed"})
    os.write(3, struct.pack("<IQQ", 0x41475231, frame.f_locals["number"], len(body)) + body)
    os._exit(0)
