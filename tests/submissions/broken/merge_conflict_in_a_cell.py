"""The same marks in a cell: one cell does not run."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": "", "cells": {3: "error: SyntaxError: invalid syntax (cell 3, line 1)"}}
def handed_in(kit): return kit.answered("<<<<<<< HEAD\n" + kit.HALVE + "=======\n" + kit.HALVE + ">>>>>>> main")
