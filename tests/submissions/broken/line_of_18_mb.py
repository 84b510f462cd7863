"""One line of eighteen megabytes: that cell is not run."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {0: "skipped: its source is longer than 1048576 characters"}}
def handed_in(kit): return kit.book(kit.code("x = '" + "x" * 18_000_000 + "'"), kit.code())
