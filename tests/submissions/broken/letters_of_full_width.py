"""The function's name in letters of full width: Python takes them for the ordinary ones."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.answered(kit.HALVE.replace("halve", "\uff48alve"))
