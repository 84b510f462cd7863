"""The folder of the topic is a link to another student's."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "halving.ipynb lies behind a link, not in a folder of the student's own"}
def place(kit, path):
    other = path.parents[2] / "elsewhere"
    other.mkdir(exist_ok=True)
    (other / path.name).write_bytes(kit.good())
    path.parent.rmdir()
    path.parent.symlink_to(other)
