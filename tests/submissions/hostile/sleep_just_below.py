"""Just below the limit of a call, call after call: the submission as a whole has one too."""
EXPECT = {"verdict": "timeout", "score": 0.0}
LIMITS = {"call_seconds": 0.7, "submission_seconds": 2.0}
# %%
import time
def halve(x):
    time.sleep(0.5)
    if not x.is_floating_point():
        raise ValueError("x")
    return x * 0.5
