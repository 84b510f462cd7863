"""Cut inside a cell's text, and inside a character of two bytes."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it is not text, or not in UTF-8; save it again in Jupyter"}
def handed_in(kit): return kit.dump(kit.book(kit.code("# é"))).split("é".encode())[0] + "é".encode()[:1]
