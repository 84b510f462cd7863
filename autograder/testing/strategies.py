"""Hypothesis strategies for tensors: shapes, dtypes, kinds of values, memory layouts.

A tensor is drawn as a shape, a kind, a layout and a seed, and built from them: about ten times
cheaper than drawing each entry, and it still shrinks, to small shapes and small whole numbers.
"""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st

FLOATS = (torch.float32, torch.float64)
HALVES = (torch.float16, torch.bfloat16)
KINDS = ("integers", "normal", "ties", "zeros", "large", "tiny")
LAYOUTS = ("contiguous", "transposed", "strided", "offset")


def float_dtypes(*, halves: bool = False) -> st.SearchStrategy[torch.dtype]:
    """float32 and float64, and the two half precisions where the contract has them."""
    return st.sampled_from(FLOATS + HALVES if halves else FLOATS)


def shapes(min_dims: int = 1, max_dims: int = 4, min_size: int = 1, max_size: int = 6) -> st.SearchStrategy[Any]:
    """Tuples of sizes."""
    return st.lists(st.integers(min_size, max_size), min_size=min_dims, max_size=max_dims).map(tuple)


def seeds() -> st.SearchStrategy[int]:
    """Seeds for generators; shrinks towards 0."""
    return st.integers(0, 2**31 - 1)


def generators() -> st.SearchStrategy[torch.Generator]:
    """Freshly seeded generators on the CPU."""
    return seeds().map(lambda seed: torch.Generator().manual_seed(seed))


def build(
    shape: tuple[int, ...],
    *,
    seed: int,
    kind: str = "normal",
    dtype: torch.dtype = torch.float32,
    scale: float = 1.0,
    layout: str = "contiguous",
) -> torch.Tensor:
    """One tensor of ``shape``: ``kind`` says which values, ``layout`` how they lie in memory.

    integers: whole numbers -3..3; normal: N(0, scale**2); ties: few distinct values; zeros;
    large: up to 1e4 in magnitude (3e4 would overflow float16 sums); tiny: about 1e-4.
    """
    generator = torch.Generator().manual_seed(seed)
    if kind == "integers":
        values = torch.randint(-3, 4, shape, generator=generator).double()
    elif kind == "ties":
        values = torch.randint(0, 2, shape, generator=generator).double()
    elif kind == "zeros":
        values = torch.zeros(shape, dtype=torch.float64)
    else:
        values = torch.randn(shape, generator=generator, dtype=torch.float64)
        values = values * {"normal": scale, "tiny": 1e-4, "large": 1.0}[kind]
        if kind == "large":
            values = values.clamp(-3, 3) * (1e4 / 3)
    return lay_out(values.to(dtype), layout)


def lay_out(values: torch.Tensor, layout: str) -> torch.Tensor:
    """The same values in another memory layout."""
    if layout == "transposed" and values.dim() >= 2:
        return values.transpose(0, -1).contiguous().transpose(0, -1)
    if layout == "strided" and values.dim() >= 1:
        roomy = torch.zeros((*values.shape[:-1], 2 * values.shape[-1]), dtype=values.dtype)
        roomy[..., ::2] = values
        return roomy[..., ::2]
    if layout == "offset":
        roomy = torch.zeros(values.numel() + 3, dtype=values.dtype)
        roomy[3:] = values.flatten()
        return roomy[3:].view(values.shape)
    return values


@st.composite
def tensors(
    draw: st.DrawFn,
    shape: st.SearchStrategy[tuple[int, ...]] | tuple[int, ...] | None = None,
    *,
    dtype: st.SearchStrategy[torch.dtype] | torch.dtype = torch.float32,
    kinds: tuple[str, ...] = ("integers", "normal"),
    layouts: tuple[str, ...] = ("contiguous",),
    scale: float = 1.0,
) -> torch.Tensor:
    """Tensors of a drawn or given shape and dtype; see ``build`` for kinds and layouts."""
    size = draw(shape) if isinstance(shape, st.SearchStrategy) else shape if shape is not None else draw(shapes())
    chosen = draw(dtype) if isinstance(dtype, st.SearchStrategy) else dtype
    kind = draw(st.sampled_from(kinds)) if len(kinds) > 1 else kinds[0]
    layout = draw(st.sampled_from(layouts)) if len(layouts) > 1 else layouts[0]
    return build(size, seed=draw(seeds()), kind=kind, dtype=chosen, scale=scale, layout=layout)
