"""Asks for a kernel to shut down, which there is none of."""

EXPECT = {"verdict": "passed", "score": 5.0}
# %%
try:
    get_ipython().kernel.do_shutdown(False)
except AttributeError:
    pass
