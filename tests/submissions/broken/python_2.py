"""Python 2's print."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": "", "cells": {3: "error: SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)? (cell 3, line 5)"}}
def handed_in(kit): return kit.answered(kit.HALVE + "print 'done'\n")
