"""A right notebook with a hundred thousand objects inside each other in its metadata."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: its JSON is nested too deeply for a notebook; save it again in Jupyter"}
def handed_in(kit): return kit.good().replace(b'"cells"', b'"a": ' + b'{"a": ' * 100_000 + b"1" + b"}" * 100_000 + b', "cells"', 1)
