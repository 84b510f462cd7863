"""Four bytes a character."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.good().decode().encode("utf-32")
