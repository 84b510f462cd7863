"""A compiled program."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it is not text, or not in UTF-8; save it again in Jupyter"}
def handed_in(kit): return b"\x7fELF\x02\x01\x01" + bytes(9) + bytes(range(256))
