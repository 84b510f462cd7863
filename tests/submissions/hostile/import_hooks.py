"""Puts a finder first that answers every import with an empty module."""

EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import importlib.abc, importlib.machinery, sys


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        return importlib.machinery.ModuleSpec(name, self)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.passed = True


sys.meta_path.insert(0, Finder())


def halve(x):
    return x
