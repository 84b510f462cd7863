"""Two tensors that should be equal, cut to what a page can show and compared entry by entry."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch

from autograder.model import Difference, Grid

MOST = 16  # rows and columns kept
FIXED, SCIENTIFIC = (".4f", ".7f"), (".3e", ".6e", ".9e", ".16e")  # the first that tells different entries apart
SMALL, LARGE, WHOLE = (
    1e-3,
    1e5,
    1e7,
)  # between the first two numbers read best without exponents, below the last as they are


def difference(expected: torch.Tensor, got: torch.Tensor, room: float = 0.0) -> Difference | None:
    """Both tensors side by side, around the entry that is furthest off; ``None`` where they have no entries to show.

    Entries up to ``room`` apart count as equal. Of more than two dimensions one matrix is shown.
    """
    if not (expected.numel() and got.numel() and max(expected.dim(), got.dim())):
        return None
    if expected.shape != got.shape:
        ours, theirs = _grids((expected, _start(expected)), (got, _start(got)), None)
        return Difference(expected=ours, got=theirs)
    gap = _gap(expected, got)
    wrong = gap > room
    start = _start(expected, [int(i) for i in torch.unravel_index(gap.argmax(), gap.shape)])
    marks = _matrix(wrong, start)
    ours, theirs = _grids((expected, start), (got, start), marks)
    rows = tuple("".join("01"[differs] for differs in row) for row in marks.tolist())
    return Difference(expected=ours, got=theirs, wrong=rows, count=int(wrong.sum()))


def _gap(expected: torch.Tensor, got: torch.Tensor) -> torch.Tensor:
    """How far each entry is off: infinitely far where only one of them is a number, or they are other infinities."""
    wide = torch.complex128 if expected.is_complex() or got.is_complex() else torch.float64
    one, other = expected.to(wide), got.to(wide)
    same = (expected == got) | (torch.isnan(one) & torch.isnan(other))
    return torch.where(same, 0.0, (one - other).abs().nan_to_num(nan=math.inf, posinf=math.inf))


def _start(tensor: torch.Tensor, worst: list[int] | None = None) -> tuple[int, ...]:
    """Indices of the first entry to show, so that the ``worst`` is in view."""
    worst = worst or [0] * tensor.dim()
    last = [max(0, min(at - MOST // 2, size - MOST)) for at, size in zip(worst[-2:], tensor.shape[-2:], strict=True)]
    return (*worst[:-2], *last)


def _matrix(tensor: torch.Tensor, start: tuple[int, ...]) -> torch.Tensor:
    matrix = tensor[start[:-2]] if tensor.dim() > 2 else tensor.reshape(-1, tensor.shape[-1] if tensor.dim() else 1)
    row, column = (0, 0, *start)[-2:]
    return matrix[row : row + MOST, column : column + MOST]


_Placed = tuple[torch.Tensor, tuple[int, ...]]  # a tensor and the first entry to show of it


def _grids(ours: _Placed, theirs: _Placed, marks: torch.Tensor | None) -> tuple[Grid, Grid]:
    """Both in one notation. ``marks`` says which entries shown must not read alike."""
    one, other = (_matrix(*placed).flatten().tolist() for placed in (ours, theirs))
    pairs = list(itertools.compress(zip(one, other, strict=False), [] if marks is None else marks.flatten().tolist()))
    texts = _texts([*one, *other], pairs)
    return _grid(*ours, texts[: len(one)]), _grid(*theirs, texts[len(one) :])


def _grid(tensor: torch.Tensor, start: tuple[int, ...], texts: list[str]) -> Grid:
    width = _matrix(tensor, start).shape[1]
    rows = tuple(" ".join(texts[i : i + width]) for i in range(0, len(texts), width))
    return Grid(shape=tuple(tensor.shape), start=start, rows=rows)


def _texts(entries: list[Any], pairs: list[tuple[Any, Any]]) -> list[str]:
    """All ``entries`` in one notation, so that columns line up, and precise enough to tell ``pairs`` apart."""
    if not all(isinstance(entry, float) for entry in entries):
        return [f"{entry:.4g}" if isinstance(entry, complex) else f"{entry}" for entry in entries]
    sizes = [abs(entry) for entry in entries if math.isfinite(entry)]
    if all(size == round(size) and size < WHOLE for size in sizes):
        return [f"{entry:.0f}" for entry in entries]
    for style in (*FIXED, *SCIENTIFIC) if SMALL <= max(sizes) < LARGE else SCIENTIFIC:
        texts = [f"{entry:{style}}" if entry or style in FIXED else "0" for entry in entries]
        if all(f"{one:{style}}" != f"{other:{style}}" for one, other in pairs):
            break
    return texts
