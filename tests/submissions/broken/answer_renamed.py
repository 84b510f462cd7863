"""The function has a name of the student's."""
EXPECT = {"verdict": "missing", "score": 2.0, "message": ""}
def handed_in(kit): return kit.answered(kit.HALVE.replace("halve", "my_halve"))
