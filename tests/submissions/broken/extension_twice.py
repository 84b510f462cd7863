"""The extension twice."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "no notebook was handed in: halving.ipynb is not there; rename halving.ipynb.ipynb and hand it in again"}
def place(kit, path): path.with_name("halving.ipynb.ipynb").write_bytes(kit.good())
