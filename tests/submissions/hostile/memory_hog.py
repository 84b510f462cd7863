"""More memory than there is."""
EXPECT = {"verdict": "memory", "score": 2.0}
LIMITS = {"memory_bytes": 536870912}
# %%
def halve(x):
    kept = []
    while True:
        kept.append(bytearray(1 << 24))
