"""Two notebooks, neither with the name."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "no notebook was handed in: halving.ipynb is not there; of the 2 notebooks that are, give one that name and hand it in again"}
def place(kit, path):
    for name in ("final.ipynb", "final2.ipynb"):
        path.with_name(name).write_bytes(kit.good())
