"""The notebook compressed."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it is a gzip archive; unpack it and hand in the notebook file (.ipynb) itself"}
def handed_in(kit):
    import gzip
    return gzip.compress(kit.good())
