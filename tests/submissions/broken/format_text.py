"""The format as a text."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it has notebook format '4'; formats 3 and 4 can be graded, and Jupyter saves format 4"}
def handed_in(kit): return kit.book(nbformat="4")
