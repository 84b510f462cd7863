"""Code that the collector, the end of an object and the freeing of memory run, in the middle of whatever runs."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import gc, weakref
class Ring:
    def __init__(self): self.me = self
    def __del__(self):
        Ring()
        raise KeyboardInterrupt
def loud(phase, info): raise RuntimeError(phase)
gc.callbacks.append(loud)
gc.set_threshold(1, 1, 1)
Ring()
weakref.finalize(Ring(), print, "gone")
