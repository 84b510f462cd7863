"""The answer stands in a cell of the student's own, the cell for it is empty."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered(halve="")
    notebook["cells"].append(kit.code(kit.HALVE))
    return notebook
