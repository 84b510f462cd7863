"""More memory than there is."""
EXPECT = {"verdict": "memory", "score": 2.0}
LIMITS = {"memory_bytes": 536870912}
# %%
kept = []
def halve(x):
    while True:
        kept.append(bytearray(1 << 24))
