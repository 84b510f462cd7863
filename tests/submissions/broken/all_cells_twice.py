"""Every cell of the notebook twice, as after pasting all."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered()
    notebook["cells"] *= 2
    return notebook
