"""As many cells as are read."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.book(*[kit.code("")] * 1999, kit.code())
