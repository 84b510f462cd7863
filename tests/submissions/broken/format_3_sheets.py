"""Format 3 with its cells on two sheets: both are read."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit):
    def sheet(source): return {"cells": [{"cell_type": "heading", "level": 1, "source": "x"}, {"cell_type": "code", "input": source}]}
    return {"nbformat": 3, "worksheets": [sheet(kit.IMPORTS + kit.HALVE), 5, {}, sheet(kit.HALVER)]}
