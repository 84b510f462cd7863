"""Fifteen megabytes of it: below the limit, and ignored."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.book(kit.code(outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * 15_000_000}]))
