"""Nothing but white space."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it is empty; save it again in Jupyter and hand it in"}
def handed_in(kit): return b" \r\n\t\n"
