"""Two processes that answer every request."""
EXPECT = {"verdict": "protocol", "score": 2.0}
LIMITS = {"call_seconds": 0.7}
# %%
import os
def halve(x):
    os.fork()
    return x * 0.5
