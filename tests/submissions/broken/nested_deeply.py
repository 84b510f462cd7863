"""A hundred thousand brackets."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: its JSON is nested too deeply for a notebook; save it again in Jupyter"}
def handed_in(kit): return b"[" * 100_000 + b"]" * 100_000
