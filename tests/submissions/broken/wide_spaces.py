"""Spaces that do not break, as copied from a web page."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": "", "cells": {3: "error: SyntaxError: invalid non-printable character U+00A0 (cell 3, line 2)"}}
def handed_in(kit): return kit.answered(kit.HALVE.replace("    ", "\u00a0\u00a0\u00a0\u00a0"))
