"""The last definition does not run: the one before it still stands."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {10: "error: SyntaxError: invalid syntax (cell 10, line 2)"}}
def handed_in(kit):
    notebook = kit.answered()
    notebook["cells"].append(kit.code("def halve(x):\n    return x *"))
    return notebook
