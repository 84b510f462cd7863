"""Odd but right answers to the tiny assignment."""

from __future__ import annotations

import torch
from reference.halving import Halver
from torch import Tensor

from autograder.testing import variant


@variant(of="halve")
def halve_by_dividing(x: Tensor) -> Tensor:
    """Divides where the reference multiplies."""
    if x.dtype.is_floating_point:
        return x / 2
    raise ValueError("x: whole numbers have no halves here")


@variant(of="Halver")
class HalverInOneStep(Halver):
    """One multiplication, and a new tensor for the buffer."""

    def forward(self, x: Tensor) -> Tensor:
        self.calls = self.calls + 1
        return x * 0.5**self.times


@variant(of="halve")
def halve_by_subtracting(x: Tensor) -> Tensor:
    """Takes the other half away."""
    if not torch.is_floating_point(x):
        raise ValueError("x has no halves")
    return x - x / 2
