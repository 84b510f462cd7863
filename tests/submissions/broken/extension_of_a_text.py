"""As some browsers save it."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "no notebook was handed in: halving.ipynb is not there; rename halving.ipynb.txt and hand it in again"}
def place(kit, path): path.with_name("halving.ipynb.txt").write_bytes(kit.good())
