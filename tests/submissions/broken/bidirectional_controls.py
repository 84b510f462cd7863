"""Controls that show code in another order than it runs."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.answered(kit.HALVE + "# \u202e \u2066 nothing \u2069\n")
