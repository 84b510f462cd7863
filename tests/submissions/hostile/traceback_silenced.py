"""Hides that its cells failed: nothing shown is not the same as nothing wrong."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.showtraceback = InteractiveShell.showsyntaxerror = lambda *a, **k: None
get_ipython().set_custom_exc((Exception,), lambda *a, **k: [])
import sys
sys.excepthook = lambda *a: None
# %%
assert False, "this cell fails in silence"
# %%
def halve(x): return x * 0.4
