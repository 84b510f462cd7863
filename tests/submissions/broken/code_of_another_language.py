"""Cells in R and Julia."""
EXPECT = {"verdict": "missing", "score": 0.0, "message": ""}
def handed_in(kit): return kit.book(kit.code("halve <- function(x) x / 2"), kit.code("function halve(x)\n  x / 2\nend"))
