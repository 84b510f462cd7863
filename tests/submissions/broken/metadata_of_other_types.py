"""Metadata that are lists, null, numbers."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.book(kit.code("1", metadata=[]), kit.code("2", metadata=None), kit.code(metadata={"tags": 5, "nbgrader": "yes"}), metadata=None)
