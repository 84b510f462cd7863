"""Modules replaced and importers planted, for whatever is imported later."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import sys, types
class Finder:
    def find_spec(self, name, path=None, target=None): raise SystemExit(name)
sys.meta_path.insert(0, Finder())
sys.path_hooks.insert(0, lambda path: 1 / 0)
for name in ("torch.testing", "hypothesis", "pytest", "numpy.testing", "autograder.sandbox.wire", "autograder.sandbox.child"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["autograder"] = None
