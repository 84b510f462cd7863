"""The notebook and an older copy: the one with the name counts."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def place(kit, path):
    path.write_bytes(kit.good())
    path.with_name("halving-Copy1.ipynb").write_bytes(kit.dump(kit.untouched()))
