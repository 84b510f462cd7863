"""Separators that only some programs take for line ends, in a comment and in a text."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.dump(kit.answered(kit.HALVE + "# a\x0cb\x1cc\x85d\u2028e\ntext = 'a\u2029b'\r\n\rdone = 1\r"))
