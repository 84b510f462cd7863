"""All but the last brace."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it ends in the middle, after 139 characters; save it again in Jupyter and hand in all of it"}
def handed_in(kit): return kit.dump(kit.book(kit.code("x")))[:139]
