"""Bytes by chance."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it is not text, or not in UTF-8; save it again in Jupyter"}
def handed_in(kit):
    import random
    return random.Random(5).randbytes(4096)
