"""pytest's and unittest's own exceptions for skipped and expected failures."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
import pytest, unittest
tricks = [lambda: pytest.skip("later"), lambda: pytest.xfail("known"), lambda: pytest.exit("done", returncode=0)]
def halve(x):
    tricks.append(tricks.pop(0))
    tricks[0]()
