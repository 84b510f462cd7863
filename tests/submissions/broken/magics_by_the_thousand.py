"""A cell of fifty thousand shell commands, which IPython needs minutes to rewrite: it runs out of its own time."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {0: "timeout: stopped after 5 s"}}
def handed_in(kit): return kit.book(kit.code("if 0:\n" + " !a\n" * 50_000), kit.code())
