"""A name that would write over a terminal."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "no notebook was handed in: halving.ipynb is not there; rename \\x1b[2J<b>\\u202e.ipynb and hand it in again"}
def place(kit, path): path.with_name("\x1b[2J<b>\u202e.ipynb").write_bytes(kit.good())
