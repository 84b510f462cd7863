"""Bytes that make careless parsers fail: numpy's own dtype parser evaluates "(((("."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %% before
import sys
name = b"(" * 4000
sys.modules["autograder.sandbox.child"].encode = lambda *a: b"a" + len(name).to_bytes(4, "little") + name + b"\0"
