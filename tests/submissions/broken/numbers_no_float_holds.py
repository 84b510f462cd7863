"""NaN, infinities and numbers too large for a float, where nobody looks."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.good().replace(b'"cells"', b'"a": NaN, "b": -Infinity, "c": 1e999, "d": 1e-999, "cells"', 1)
