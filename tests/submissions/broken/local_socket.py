"""A socket in the place of the file."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "halving.ipynb is a folder or a device, not a notebook; hand in the file itself"}
def place(kit, path):
    import os, stat
    os.mknod(path, stat.S_IFSOCK | 0o600)
