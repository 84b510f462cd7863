"""Registers garbage collector callbacks that collect and clear what they find."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import gc


def clear(phase, info):
    for thing in gc.get_objects()[:50]:
        pass


gc.callbacks.append(clear)


def halve(x):
    return x
