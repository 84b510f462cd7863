"""An empty list of cells."""
EXPECT = {"verdict": "missing", "score": 0.0, "message": ""}
def handed_in(kit): return kit.book(cells=[])
