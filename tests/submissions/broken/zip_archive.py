"""The notebook inside a ZIP archive with its name."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it is a ZIP archive; unpack it and hand in the notebook file (.ipynb) itself"}
def handed_in(kit):
    import io, zipfile
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("halving.ipynb", kit.good())
    return file.getvalue()
