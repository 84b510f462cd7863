"""The function's name with a Cyrillic letter."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": ""}
def handed_in(kit): return kit.answered(kit.HALVE.replace("halve", "h\u0430lve"))
