"""A loop without end in a graded call, which catches what comes."""
EXPECT = {"verdict": "timeout", "score": 2.0}
LIMITS = {"call_seconds": 0.7}
# %%
def halve(x):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
