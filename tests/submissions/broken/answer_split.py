"""The body of the function stands in the next cell."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": ""}
def handed_in(kit):
    head, body = kit.HALVE.split("\n", 1)
    notebook = kit.answered(head)
    notebook["cells"].insert(4, kit.code(body))
    return notebook
