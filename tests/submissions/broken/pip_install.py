"""Packages installed by a cell: there is no network, and nothing to install to."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.book(kit.code("!pip install torch"), kit.code("%pip install nothing-of-this-name"), kit.code())
