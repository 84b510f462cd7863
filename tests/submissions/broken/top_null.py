"""null."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: its JSON is null, not a notebook; save it again in Jupyter"}
def handed_in(kit): return b"null"
