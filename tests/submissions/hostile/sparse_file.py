"""Makes a file of a terabyte that takes no space."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
def halve(x):
    with open("/tmp/sparse", "wb") as file:
        file.truncate(1 << 40)
    return x
