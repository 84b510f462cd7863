"""The same, from the first graded call on."""
EXPECT = {"verdict": "protocol", "score": 2.0}
# %%
import sys
empty = b"x\0\3" + bytes(8) + b"".join(n.to_bytes(8, "little") for n in (0, 1 << 40, 1 << 40, 1, 1, 1))
def halve(x):
    sys.modules["autograder.sandbox.child"].encode = lambda *a: empty
