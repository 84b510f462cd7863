"""The cell of an answer was deleted."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered()
    notebook["cells"].remove(kit.cell(notebook, "halve-answer"))
    return notebook
