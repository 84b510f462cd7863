"""Rewrites the cells that come after it: its own loss."""
EXPECT = {"verdict": "missing", "score": 0.0}
# %% before
get_ipython().input_transformers_cleanup.append(lambda lines: ["pass\n"])
