"""Turns every warning into an exception."""

EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import warnings

warnings.simplefilter("error")
