"""UTF-8 with a byte order mark, as Windows editors write it."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return b"\xef\xbb\xbf" + kit.good()
