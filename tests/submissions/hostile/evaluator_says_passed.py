"""Replies with a status that no reply has."""
EXPECT = {"verdict": "protocol", "score": 0.0}
# %%
import sys
Evaluator = sys.modules["autograder.sandbox.evaluate"].Evaluator
Evaluator.answer = lambda self, request: {"status": "passed"}
