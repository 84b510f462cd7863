"""Handles that nobody issued, where objects are expected: the next call on them is an error of its own."""
EXPECT = {"verdict": "error", "score": 3.0}
# %% before
import sys
wire = sys.modules["autograder.sandbox.wire"]
evaluate = sys.modules["autograder.sandbox.evaluate"]
evaluate.Evaluator._keep = lambda self, value: wire.Handle(-(1 << 62), "Halver")
