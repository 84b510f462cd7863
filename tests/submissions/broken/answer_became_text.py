"""The cell of an answer was turned into Markdown."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered()
    kit.cell(notebook, "halve-answer")["cell_type"] = "markdown"
    return notebook
