"""A million cells."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook cannot be read: it has 1000000 cells; at most 2000 can be graded, so delete some"}
def handed_in(kit): return b'{"nbformat": 4, "cells": [' + b"{}," * 999_999 + b"{}]}"
