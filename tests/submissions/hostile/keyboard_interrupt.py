"""KeyboardInterrupt aborts a whole pytest run where it gets through."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
def halve(x): raise KeyboardInterrupt
