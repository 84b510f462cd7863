"""A folder for the topic with nothing in it."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "no notebook was handed in: halving.ipynb is not there"}
def place(kit, path): pass
