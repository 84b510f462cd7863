"""A folder with the notebook's name, and the notebook inside."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "halving.ipynb is a folder or a device, not a notebook; hand in the file itself"}
def place(kit, path):
    path.mkdir()
    (path / path.name).write_bytes(kit.good())
