"""A space of no width, as copied from a web page."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": "", "cells": {3: "error: SyntaxError: invalid non-printable character U+200B (cell 3, line 4)"}}
def handed_in(kit): return kit.answered(kit.HALVE.replace("return x", "return\u200bx"))
