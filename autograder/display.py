"""Values as short, Python-like text for messages and counterexamples."""

from __future__ import annotations

import itertools
from typing import Any

import torch

from autograder.text import clean

SHOWN_ENTRIES = 64
SHORT = 5  # significant digits
FULL = {torch.float32: 9, torch.float64: 17}  # as many as tell every two numbers apart


def show(value: Any, limit: int = 600) -> str:
    """``value`` as short Python-like text: small tensors in full, large ones by shape and first entries."""
    if isinstance(value, torch.Tensor):
        return clean(_tensor(value), limit)
    if isinstance(value, torch.Generator):
        return f"torch.Generator().manual_seed({value.initial_seed()})"
    if isinstance(value, float):
        return _entry(value, digits=7)
    if isinstance(value, tuple):
        inner = _items([show(item, limit) for item in value[:SHOWN_ENTRIES]], len(value))
        return clean(f"({inner},)" if len(value) == 1 else f"({inner})", limit)
    if isinstance(value, list):
        return clean("[" + _items([show(item, limit) for item in value[:SHOWN_ENTRIES]], len(value)) + "]", limit)
    if isinstance(value, dict):
        pairs = [f"{key!r}: {show(item, limit)}" for key, item in itertools.islice(value.items(), SHOWN_ENTRIES)]
        return clean("{" + _items(pairs, len(value)) + "}", limit)
    return clean(repr(value), limit)


def _items(shown: list[str], count: int) -> str:
    return ", ".join([*shown, f"... ({count} items)"] if count > len(shown) else shown)


def _tensor(value: torch.Tensor) -> str:
    suffix = "" if value.dtype in (torch.float32, torch.int64, torch.bool) else f", dtype={value.dtype}"
    shape = tuple(value.shape)
    if value.numel() == 0:
        return f"torch.empty({shape}{suffix})"
    if value.numel() <= SHOWN_ENTRIES:
        return f"torch.tensor({_entries(value, _digits(value))}{suffix})"
    first = ", ".join(f"{entry:.4g}" for entry in value.flatten()[:6].tolist())
    return f"a tensor of shape {shape}{suffix}, first entries {first}, ..."


def _digits(value: torch.Tensor) -> int:
    """Few digits, or all where few would show different entries as equal."""
    if not value.is_floating_point():
        return SHORT
    entries = {repr(entry): entry for entry in value.flatten().tolist()}  # by text: NaN differs from itself
    alike = len({f"{entry:.{SHORT}g}" for entry in entries.values()}) < len(entries)
    return FULL.get(value.dtype, SHORT) if alike else SHORT


def _entries(value: torch.Tensor, digits: int) -> str:
    if value.dim() == 0:
        return _entry(value.item(), digits)
    return "[" + ", ".join(_entries(part, digits) for part in value) + "]"


def _entry(number: Any, digits: int) -> str:
    if isinstance(number, float):
        text = f"{number:.{digits}g}"
        return f"float('{text}')" if text in ("nan", "inf", "-inf") else _floating(text)
    return repr(number)


def _floating(text: str) -> str:
    return text if any(char in text for char in ".en") else text + "."


def call_text(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """``name(args, key=value)`` for messages."""
    parts = [show(arg) for arg in args] + [f"{key}={show(item)}" for key, item in kwargs.items()]
    return clean(f"{name}({', '.join(parts)})", 2000)
