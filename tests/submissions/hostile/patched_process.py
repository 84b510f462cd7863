"""The modules that the process itself runs on, taken apart: os, struct, socket, select, time, codecs."""
EXPECT = {"verdict": "protocol", "score": 2.0}
# %%
import codecs, os, select, socket, struct, time
def halve(x):
    for module in (struct, socket, select, time, codecs):
        for name in dir(module):
            if not name.startswith("__"):
                try:
                    setattr(module, name, lambda *a, **k: b"passed")
                except (AttributeError, TypeError):
                    pass
    os.read = os.write = lambda *a: b"passed"
    return x * 0.4
