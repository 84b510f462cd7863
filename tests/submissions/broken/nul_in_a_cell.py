"""NUL in a cell: it cannot run, the rest can."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {0: "error: SyntaxError: source code string cannot contain null bytes"}}
def handed_in(kit): return kit.book(kit.code("a = '\0'"), kit.code())
