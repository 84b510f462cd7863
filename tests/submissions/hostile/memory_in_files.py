"""Fills the scratch space, which is memory as well."""

EXPECT = {"verdict": "error", "score": 2.0}
LIMITS = {"scratch_bytes": 16777216}


# %%
def halve(x):
    number = 0
    while True:
        with open(f"/tmp/{number}", "wb") as file:
            file.write(bytes(1 << 20))
        number += 1
