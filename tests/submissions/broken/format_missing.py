"""No format at all."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it does not say its notebook format; formats 3 and 4 can be graded, and Jupyter saves format 4"}
def handed_in(kit): return {"cells": [kit.code()]}
