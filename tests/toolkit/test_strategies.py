from __future__ import annotations

import math

import pytest
import torch
from hypothesis import find, given, settings
from hypothesis import strategies as st

from autograder.sandbox.wire import decode, encode
from autograder.testing import strategies as ts

SHAPES = ts.shapes(0, 4, 0, 5)
DTYPES = ts.float_dtypes(halves=True)


@given(SHAPES, ts.seeds(), st.sampled_from(ts.KINDS), DTYPES, st.sampled_from(ts.LAYOUTS))
def test_layouts_hold_the_same_values(
    shape: tuple[int, ...], seed: int, kind: str, dtype: torch.dtype, layout: str
) -> None:
    plain = ts.build(shape, seed=seed, kind=kind, dtype=dtype)
    other = ts.build(shape, seed=seed, kind=kind, dtype=dtype, layout=layout)
    assert torch.equal(plain, other)
    assert (tuple(other.shape), other.dtype) == (shape, dtype)
    assert torch.isfinite(plain).all()


def test_layouts_are_what_they_are_called() -> None:
    x = ts.build((3, 4), seed=0)
    assert x.is_contiguous()
    assert ts.lay_out(x, "transposed").stride() == (1, 3)
    assert ts.lay_out(x, "strided").stride() == (8, 2)
    assert ts.lay_out(x, "offset").storage_offset() == 3
    assert ts.lay_out(torch.tensor(1.0), "transposed").item() == 1.0


@pytest.mark.parametrize("layout", ["transposed", "strided"])
def test_strides_survive_the_way_to_the_student(layout: str) -> None:
    x = ts.build((3, 4), seed=0, layout=layout)
    assert decode(encode(x)).stride() == x.stride()


@given(SHAPES, ts.seeds(), DTYPES)
@settings(max_examples=40)
def test_kinds_hold_the_values_they_promise(shape: tuple[int, ...], seed: int, dtype: torch.dtype) -> None:
    def entries(kind: str) -> torch.Tensor:
        return ts.build(shape, seed=seed, kind=kind, dtype=dtype).double().flatten()

    assert set(entries("integers").tolist()) <= {-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0}
    assert set(entries("ties").tolist()) <= {0.0, 1.0}
    assert not entries("zeros").any()
    assert (entries("large").abs() <= 1e4).all()
    assert (entries("tiny").abs() <= 1e-3).all()


@given(ts.seeds())
def test_a_seed_gives_the_same_tensor_and_leaves_the_global_generator_alone(seed: int) -> None:
    before = torch.get_rng_state()
    assert torch.equal(ts.build((4,), seed=seed), ts.build((4,), seed=seed))
    assert torch.equal(torch.get_rng_state(), before)


def test_scale_is_the_deviation_of_normal_values() -> None:
    x = ts.build((10_000,), seed=1, scale=5.0, dtype=torch.float64)
    assert x.std().item() == pytest.approx(5.0, rel=0.05)


@given(ts.shapes(2, 3, 1, 4))
def test_shapes_keep_their_bounds(shape: tuple[int, ...]) -> None:
    assert 2 <= len(shape) <= 3
    assert all(1 <= size <= 4 for size in shape)


@given(st.data())
@settings(max_examples=30)
def test_tensors_are_as_asked_for(data: st.DataObject) -> None:
    asked = ts.tensors((2, 3), dtype=torch.float16, kinds=("ties",), layouts=("strided",))
    x = data.draw(asked)
    assert (tuple(x.shape), x.dtype, x.stride()) == ((2, 3), torch.float16, (6, 2))
    y = data.draw(ts.tensors(ts.shapes(1, 1, 4, 4), dtype=ts.float_dtypes()))
    assert tuple(y.shape) == (4,)
    assert y.dtype in ts.FLOATS


@given(ts.generators())
def test_generators_are_fresh(generator: torch.Generator) -> None:
    again = torch.Generator().manual_seed(generator.initial_seed())
    assert torch.equal(torch.rand(3, generator=generator), torch.rand(3, generator=again))


def test_examples_shrink_to_small_shapes_and_whole_numbers() -> None:
    options = settings(max_examples=200, database=None, derandomize=True)
    smallest = find(ts.tensors(), lambda x: x.numel() >= 2 and bool((x != 0).any()), settings=options)
    assert smallest.numel() == 2
    assert all(math.floor(entry) == entry for entry in smallest.tolist())
