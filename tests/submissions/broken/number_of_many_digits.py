"""A number of five million digits where the format belongs."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: one of its numbers has thousands of digits; save it again in Jupyter"}
def handed_in(kit): return b'{"nbformat": ' + b"4" * 5_000_000 + b', "cells": []}'
