"""A syntax error in an answer: that question is not written, the others are graded."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": "", "cells": {3: "error: SyntaxError: expected ':' (cell 3, line 1)"}}
def handed_in(kit): return kit.answered(kit.HALVE.replace("(x):", "(x)"))
