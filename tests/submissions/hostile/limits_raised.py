"""Tries to raise its own limits."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import resource


def halve(x):
    for name in dir(resource):
        if name.startswith("RLIMIT_"):
            try:
                resource.setrlimit(getattr(resource, name), (-1, -1))
            except (OSError, ValueError):
                continue
    return x
