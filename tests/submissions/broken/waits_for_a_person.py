"""input(), exit() and a debugger in cells: nobody is there, and the cells after them run."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {0: "error: EOFError: EOF when reading a line (cell 0, line 1)"}}
def handed_in(kit): return kit.book(kit.code("name = input('your name: ')"), kit.code("exit()"), kit.code("quit"), kit.code("import sys\nsys.exit('done')"), kit.code())
