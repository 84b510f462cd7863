"""Sources that are a number, null, lists of numbers and lists in lists: such a cell is not run."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {0: "skipped: its source is not text", 1: "skipped: its source is not text", 2: "skipped: its source is not text", 3: "skipped: its source is not text", 4: "skipped: its source is not text"}}
def handed_in(kit): return kit.book(*map(kit.code, (5, None, [1, 2], [["x"]], {"x": 1})), kit.code())
