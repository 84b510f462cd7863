"""The other way round: the right one was written over, as Run All in Jupyter would."""
EXPECT = {"verdict": "failed", "score": 2.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered()
    notebook["cells"].append(kit.code(kit.WRONG_HALVE))
    return notebook
