"""Extensions, files and magics that do not exist here."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {0: "error: ModuleNotFoundError: No module named 'nothing_of_this_name' (cell 0, line 1)", 1: "error: UsageError: Line magic function `%nothing_of_this_name` not found. (cell 1, line 1)", 2: "error: UsageError: Cell magic `%%nothing_of_this_name` not found. (cell 2, line 1)"}}
def handed_in(kit): return kit.book(kit.code("%load_ext nothing_of_this_name"), kit.code("%nothing_of_this_name"), kit.code("%%nothing_of_this_name\nx"), kit.code())
