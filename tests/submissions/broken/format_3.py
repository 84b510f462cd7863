"""The format before the present one: read as it is."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit):
    cell = {"cell_type": "code", "language": "python", "input": kit.RIGHT.splitlines(keepends=True), "outputs": [], "metadata": {}}
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": [cell], "metadata": {}}]}
