"""Replies of the wrong shape: what the trusted side reads must not fail it."""
EXPECT = {"verdict": "protocol", "score": 0.0}
# %%
import sys
Evaluator = sys.modules["autograder.sandbox.evaluate"].Evaluator
Evaluator.answer = lambda self, request: {"status": "ok", "value": None, "modified": 5, "events": [1], "grads": "x", "operations": {}}
