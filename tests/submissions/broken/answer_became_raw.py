"""The cell of an answer was turned into raw text."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered()
    kit.cell(notebook, "halve-answer")["cell_type"] = "raw"
    return notebook
