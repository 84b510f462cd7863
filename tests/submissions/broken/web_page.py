"""The page that a server shows instead of a download: sign in first."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it is a web page; hand in the notebook file (.ipynb) itself"}
def handed_in(kit): return b"\n<!DOCTYPE HTML>\n<html><head><title>Sign in</title></head><body>404</body></html>"
