"""The cell with the imports was deleted: the function works on what it is given, the class cannot be made."""
EXPECT = {"verdict": "missing", "score": 3.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered()
    del notebook["cells"][1]
    return notebook
