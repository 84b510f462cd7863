"""Returns everything it finds in its environment, arguments and memory maps."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import os, sys


def halve(x):
    found = repr(dict(os.environ)) + repr(sys.argv) + repr(sys.orig_argv)
    for name in ("cmdline", "environ", "status", "maps"):
        for pid in ("self", "1", "2"):
            try:
                found += open(f"/proc/{pid}/{name}").read()
            except OSError:
                pass
    return found
