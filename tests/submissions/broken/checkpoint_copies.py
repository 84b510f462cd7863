"""Jupyter's checkpoints beside the notebook."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def place(kit, path):
    path.write_bytes(kit.good())
    (path.parent / ".ipynb_checkpoints").mkdir()
    (path.parent / ".ipynb_checkpoints" / "halving-checkpoint.ipynb").write_bytes(kit.dump(kit.untouched()))
