"""A cell with the tag that keeps it from running."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {1: "skipped: "}}
def handed_in(kit): return kit.book(kit.code(), kit.code("while True: pass", metadata={"tags": ["x", "skip-grading"]}))
