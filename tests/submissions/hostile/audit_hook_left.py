"""Hooks of the interpreter that nobody can take out again: they fail whatever is done."""
EXPECT = {"verdict": "crashed", "score": 2.0}
# %%
import sys
def halve(x):
    def refuse(event, args): raise RuntimeError("no " + event)
    sys.addaudithook(refuse)
    return eval("x * 0.5")
