"""A named pipe, which blocks whoever opens it."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "halving.ipynb is a folder or a device, not a notebook; hand in the file itself"}
def place(kit, path):
    import os
    os.mkfifo(path)
