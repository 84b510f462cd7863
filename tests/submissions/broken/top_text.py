"""A notebook written as a text into JSON once more."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: its JSON is a text, not a notebook; save it again in Jupyter"}
def handed_in(kit): return kit.dump(kit.good().decode())
