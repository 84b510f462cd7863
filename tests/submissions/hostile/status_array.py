"""A reply whose status is an array, which has no truth value: in a cell."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %% before
import sys
import numpy as np
child = sys.modules["autograder.sandbox.child"]
real = child.encode
child.encode = lambda value, *a: real({"status": np.zeros(3), "message": ""}, *a)
