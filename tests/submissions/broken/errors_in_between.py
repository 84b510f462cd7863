"""A notebook full of failing cells around right answers."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {0: "error: ZeroDivisionError: division by zero (cell 0, line 1)", 1: "error: NameError: name 'df' is not defined (cell 1, line 1)"}}
def handed_in(kit): return kit.book(kit.code("1 / 0"), kit.code("df.head()"), kit.code("import pandas_of_my_own"), kit.code(), kit.code("assert False"))
