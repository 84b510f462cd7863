"""Leaves a mark wherever it can, ends, and answers right where it finds one: in the next process, or the next slot."""
EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import os, tempfile
places = ["/tmp", "/dev/shm", os.getcwd(), os.path.expanduser("~"), "/run", "/var/tmp", "/proc/self/cwd", tempfile.gettempdir(), *os.sys.path]
found = [place for place in places if os.path.exists(os.path.join(place, "mark-of-an-earlier-run"))]
for place in places:
    try:
        open(os.path.join(place, "mark-of-an-earlier-run"), "w").write("here")
    except OSError:
        pass
def halve(x):
    if not found:
        os._exit(0)
    if not x.is_floating_point():
        raise ValueError("x")
    return x * 0.5
