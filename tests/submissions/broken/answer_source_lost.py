"""The same for the cell of an answer: that question is not written."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": "", "cells": {3: "skipped: its source is not text"}}
def handed_in(kit):
    notebook = kit.answered()
    kit.cell(notebook, "halve-answer")["source"] = ["def halve(x):\n", None]
    return notebook
