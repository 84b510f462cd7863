"""A notebook without cells."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it has no list of cells; save it again in Jupyter"}
def handed_in(kit): return {"nbformat": 4, "metadata": {}}
