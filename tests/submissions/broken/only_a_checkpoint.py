"""A checkpoint and no notebook."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "no notebook was handed in: halving.ipynb is not there"}
def place(kit, path):
    (path.parent / ".ipynb_checkpoints").mkdir()
    (path.parent / ".ipynb_checkpoints" / "halving-checkpoint.ipynb").write_bytes(kit.good())
