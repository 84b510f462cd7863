"""Every cell has the same id."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered()
    for cell in notebook["cells"]:
        cell["id"] = "a"
    return notebook
