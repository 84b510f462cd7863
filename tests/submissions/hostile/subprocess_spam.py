"""Programs in the background, and compilers and shells among them."""
EXPECT = {"verdict": "passed", "score": 5.0}
LIMITS = {"processes": 24}
# %%
import subprocess
for _ in range(200):
    try:
        subprocess.Popen("sleep 1000 & sleep 1000 & (sleep 1000 &)", shell=True, stderr=subprocess.DEVNULL)
    except OSError:
        break
# %%
import multiprocessing
try:
    multiprocessing.Pool(64)
except OSError:
    pass
