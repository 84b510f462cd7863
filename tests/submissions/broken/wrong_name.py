"""The notebook under a name of the student's."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "no notebook was handed in: halving.ipynb is not there; rename halving (1).ipynb and hand it in again"}
def place(kit, path): path.with_name("halving (1).ipynb").write_bytes(kit.good())
