"""The name in other letters."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "no notebook was handed in: halving.ipynb is not there; rename Halving.IPYNB and hand it in again"}
def place(kit, path): path.with_name("Halving.IPYNB").write_bytes(kit.good())
