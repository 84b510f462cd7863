"""The answers stand at the end, in the other order; the checks before them fail, which costs nothing."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {3: "error: NameError: name 'halve' is not defined (cell 3, line 2)", 5: "error: NameError: name 'Halver' is not defined (cell 5, line 2)"}}
def handed_in(kit):
    notebook = kit.answered()
    for name in ("halve-answer", "Halver-answer"):
        cell = kit.cell(notebook, name)
        notebook["cells"].remove(cell)
        notebook["cells"].insert(8, cell)
    return notebook
