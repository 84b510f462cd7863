"""A cell of an unknown kind, and one without a kind."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.book({"cell_type": "quantum", "source": "raise SystemExit"}, {"source": "raise SystemExit"}, kit.code())
