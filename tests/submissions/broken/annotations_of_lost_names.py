"""Annotations with names that were never imported."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": "", "cells": {3: "error: NameError: name 'np' is not defined (cell 3, line 1)"}}
def handed_in(kit): return kit.answered(kit.HALVE.replace("(x)", "(x: np.ndarray)"))
