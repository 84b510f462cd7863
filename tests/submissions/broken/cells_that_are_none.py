"""Numbers, texts, lists and null among the cells."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.book(7, None, [], "x", {}, {"cell_type": None}, {"cell_type": ["code"]}, {"cell_type": "code"}, kit.code())
