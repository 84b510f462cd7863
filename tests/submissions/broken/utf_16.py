"""Saved by a Windows editor in UTF-16 with a byte order mark: JSON says how to tell, so it is read."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.good().decode().encode("utf-16")
