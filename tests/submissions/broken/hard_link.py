"""A second name of a file that lies elsewhere: a file like any other, and its content is what counts."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def place(kit, path):
    path.parents[2].joinpath("shared.ipynb").write_bytes(kit.good())
    path.hardlink_to(path.parents[2] / "shared.ipynb")
