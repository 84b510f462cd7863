"""Tabs and spaces mixed."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": "", "cells": {3: "error: TabError: inconsistent use of tabs and spaces in indentation (cell 3, line 4)"}}
def handed_in(kit): return kit.answered(kit.HALVE.replace("    return", "\treturn"))
