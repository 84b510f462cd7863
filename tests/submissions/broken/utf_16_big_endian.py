"""The same in the other byte order, without a mark."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.good().decode().encode("utf-16-be")
