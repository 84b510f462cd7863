"""An import of everything brings another function of the same name."""
EXPECT = {"verdict": "failed", "score": 2.0, "message": ""}
def handed_in(kit):
    notebook = kit.answered()
    notebook["cells"].append(kit.code("%%writefile helpers.py\ndef halve(x): return x / 3"))
    notebook["cells"].append(kit.code("from helpers import *"))
    return notebook
