"""A Python file with the notebook's name."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it is not JSON from line 1, column 1 on; save it again in Jupyter"}
def handed_in(kit): return kit.RIGHT.encode()
