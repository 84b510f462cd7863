"""Replies with statuses that say more than an answer may say: the cell that does so is left out."""

EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import sys

child = sys.modules["autograder.sandbox.child"]
encode = child.encode
child.encode = lambda reply, *a: encode({"status": "passed", "value": 1})
