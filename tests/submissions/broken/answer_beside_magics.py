"""A magic in the cell of an answer."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.answered("%matplotlib inline\n" + kit.HALVE + "!echo done\nx = %pwd\n")
