"""A Python file, and no notebook."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "no notebook was handed in: halving.ipynb is not there"}
def place(kit, path): path.with_name("halving.py").write_text(kit.RIGHT)
