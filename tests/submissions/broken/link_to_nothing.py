"""A link that leads nowhere."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "halving.ipynb is a link, not a notebook; hand in the file itself"}
def place(kit, path): path.symlink_to("gone.ipynb")
