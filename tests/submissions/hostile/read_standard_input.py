"""Waits for a person to type."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
import getpass, sys
def halve(x): return input("how much? ") or sys.stdin.read()
# %%
input()
# %%
getpass.getpass()
# %%
import pdb; pdb.set_trace()
# %%
breakpoint()
