"""A newer minor version: nothing that is read can have changed."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.book(nbformat_minor=99)
