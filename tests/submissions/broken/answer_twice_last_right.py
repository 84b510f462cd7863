"""Two definitions: a wrong one, then a right one in a later cell. The last one that ran counts."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered(kit.WRONG_HALVE)
    notebook["cells"].append(kit.code(kit.HALVE))
    return notebook
