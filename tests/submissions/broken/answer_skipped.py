"""The same tag at an answer: it is not there."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": "", "cells": {3: "skipped: "}}
def handed_in(kit):
    notebook = kit.answered()
    kit.cell(notebook, "halve-answer")["metadata"]["tags"] = ["skip-grading"]
    return notebook
