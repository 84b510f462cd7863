"""The notebook as it was handed out."""
EXPECT = {"verdict": "missing", "score": 0.0, "message": ""}
def handed_in(kit): return kit.untouched()
