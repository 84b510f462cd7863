"""Model solution of the tiny assignment."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_FACTOR = 0.5


def halve(x: Tensor) -> Tensor:
    """Half of every entry of a floating tensor.

    Args:
        x: tensor of any shape.

    Returns:
        A new tensor like ``x``.

    Raises:
        ValueError: ``x`` holds whole numbers.
    """
    _require_floating(x)
    return x * _FACTOR


class Halver(nn.Module):
    """Halve several times, and count the calls.

    Args:
        times: how often an input is halved; at least 1.

    Attributes:
        calls: buffer, int64 scalar: how often the module was called.
    """

    calls: Tensor

    def __init__(self, times: int = 1) -> None:
        """Raise ``ValueError`` where ``times`` is below 1."""
        super().__init__()
        if times < 1:
            raise ValueError(f"times is {times}; it must be at least 1")
        self.times = times
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        """``x`` halved ``times`` times."""
        self._count()
        for _ in range(self.times):
            x = halve(x)
        return x

    def _count(self) -> None:
        self.calls += 1


def _require_floating(x: Tensor) -> None:
    if not x.is_floating_point():
        raise ValueError(f"x has dtype {x.dtype}; only floating tensors can be halved")
