"""The notebook exported as PDF and renamed."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it is a PDF; hand in the notebook file (.ipynb) itself"}
def handed_in(kit): return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
