"""Wrong answers to the tiny assignment, each with the sentence a student should read."""

from __future__ import annotations

import torch
from reference.halving import Halver
from torch import Tensor

from autograder.testing import misconception


@misconception(
    of="halve",
    hint="Your halves are rounded down to whole numbers: look at the kind of division you use.",
    breaks="whole-half",
)
def halve_rounding_down(x: Tensor) -> Tensor:
    if not x.is_floating_point():
        raise ValueError("x must be floating")
    return x // 2


@misconception(of="halve", hint="Your function changes the tensor it is given: build a new one instead.")
def halve_in_place(x: Tensor) -> Tensor:
    if not x.is_floating_point():
        raise ValueError("x must be floating")
    return x.mul_(0.5)


@misconception(of="Halver", hint="Your module halves once whatever `times` says.")
class HalverOnlyOnce(Halver):
    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x * torch.tensor(0.5, dtype=x.dtype)
