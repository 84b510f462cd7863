"""A module that never finishes importing."""
EXPECT = {"verdict": "passed", "score": 5.0}
LIMITS = {"cell_seconds": 0.5}
# %%
open("slow.py", "w").write("while True: pass")
import slow
