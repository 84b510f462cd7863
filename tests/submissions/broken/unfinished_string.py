"""A text that does not end."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": "", "cells": {3: "error: SyntaxError: incomplete input (cell 3, line 5)"}}
def handed_in(kit): return kit.answered(kit.HALVE + '"""\n')
