"""A NUL byte in the middle of the file."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it is not JSON from line 1, column 14 on; save it again in Jupyter"}
def handed_in(kit): return b'{"nbformat": \x004}'
