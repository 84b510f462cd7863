"""A link to another student's notebook."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "halving.ipynb is a link, not a notebook; hand in the file itself"}
def place(kit, path):
    path.parents[2].joinpath("elsewhere.ipynb").write_bytes(kit.good())
    path.symlink_to(path.parents[2] / "elsewhere.ipynb")
