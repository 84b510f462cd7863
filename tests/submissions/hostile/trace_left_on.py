"""Traces and profiles of the interpreter, left on; settings of it, changed."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import gc, sys, threading, warnings
def watch(frame, event, arg):
    frame.f_locals.get("expected")
    return watch
sys.settrace(watch)
threading.settrace(watch)
sys.setprofile(watch)
sys.setswitchinterval(1e-6)
sys.setrecursionlimit(10**6)
sys.set_int_max_str_digits(0)
warnings.simplefilter("error")
gc.disable()
sys.excepthook = sys.unraisablehook = sys.displayhook = lambda *a: 1 / 0
