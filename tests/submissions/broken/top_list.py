"""A list of cells without the notebook around it."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: its JSON is a list, not a notebook; save it again in Jupyter"}
def handed_in(kit): return kit.dump([kit.code()])
