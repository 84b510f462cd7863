"""Ids that would be paths, markup, nothing or no text."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.book(*(kit.code("1", id=name) for name in ("../../etc/passwd", "<script>", "", None, 5, "a" * 10**5)), kit.code(id="/dev/null"))
