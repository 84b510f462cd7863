"""The key "cells" twice: the later one counts, as in every JSON reader of Jupyter's."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return b'{"cells": [{"cell_type": "code", "source": "raise SystemExit"}],' + kit.good().lstrip()[1:]
