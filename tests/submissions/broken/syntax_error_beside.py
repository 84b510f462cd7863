"""A scratch cell with a syntax error: one cell does not run."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {0: "error: SyntaxError: incomplete input (cell 0, line 1)"}}
def handed_in(kit): return kit.book(kit.code("print("), kit.code())
