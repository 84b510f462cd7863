"""What grading processes share: imported once by the server that forks them, as ``pool`` names it to multiprocessing.

Computes nothing: a process that has run a torch operation on more than one thread must not fork.
"""

from __future__ import annotations

import gc
import os
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # no threads beside the one that forks; grading processes compute on one anyway
gc.disable()  # what is imported stays: looking for garbage takes a sixth of the time
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torch

    import autograder.runner  # noqa: F401 - with all that it needs
torch.set_num_threads(1)
gc.freeze()  # a collection in a fork would copy what all forks share
gc.enable()
