"""A screenshot of the notebook."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it is a picture; hand in the notebook file (.ipynb) itself"}
def handed_in(kit): return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100)
