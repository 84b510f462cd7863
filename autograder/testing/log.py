"""The calls of the current test with their answers, as many as memory should hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from autograder.sandbox.wire import TENSOR_COST

KEPT_BYTES = 64 << 20
_OBJECT_COST = 64  # bytes of a small Python object, about

Entry = tuple[dict[str, Any], dict[str, Any]]


class Log(list[Entry]):
    """Requests and replies in order; none at all once they weigh more than ``KEPT_BYTES``, until it is cleared.

    Answers choose their size: what is kept of them for an explanation must not grow with their number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self._bytes = 0

    def append(self, entry: Entry) -> None:
        """Keep ``entry``, or nothing any more where it does not fit."""
        if self.full:
            return
        self._bytes += weight(entry)
        if self._bytes > KEPT_BYTES:
            super().clear()
            self.full = True
            return
        super().append(entry)

    def clear(self) -> None:
        """Begin again."""
        super().clear()
        self.full, self._bytes = False, 0


def weight(value: Any) -> int:
    """Bytes that a value of the wire's types takes in memory, about."""
    if isinstance(value, torch.Tensor):
        return TENSOR_COST + value.numel() * value.element_size()
    if isinstance(value, np.ndarray):
        return TENSOR_COST + value.nbytes
    if isinstance(value, torch.Generator):
        return 8 * TENSOR_COST
    if isinstance(value, str | bytes):
        return _OBJECT_COST + len(value)
    if isinstance(value, dict):
        return _OBJECT_COST + sum(weight(key) + weight(item) for key, item in value.items())
    if isinstance(value, tuple | list):
        return _OBJECT_COST + sum(map(weight, value))
    return _OBJECT_COST
