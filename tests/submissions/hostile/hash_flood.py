"""A dict whose keys all have one hash: reading it costs the square of its length."""
EXPECT = {"verdict": "protocol", "score": 2.0}
# %%
import struct, sys
child = sys.modules["autograder.sandbox.child"]
many, prime = 99_000, (1 << 61) - 1
keys = b"".join(b"I" + bytes([16]) + (prime * (n + (1 << 20))).to_bytes(16, "little", signed=True) + b"N" for n in range(many))
body = b"d" + struct.pack("<I", many) + keys
def halve(x):
    child.encode = lambda *a: body
    return x
