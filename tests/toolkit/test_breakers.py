"""Every breaker breaks its line, and, where it breaks evidence alone, keeps the values and the gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autograder.errors import Mismatch, StudentRaised
from autograder.proof import breakers
from autograder.testing.checks import assert_gradients, assert_inputs_untouched, assert_no_alias, assert_vectorised
from autograder.testing.student import Answer, LocalBackend, Student


def blend(x: Tensor, params: dict[str, Tensor], share: float = 0.5, generator: torch.Generator | None = None) -> Tensor:
    """A function with tensors at the top and inside, a default and a generator."""
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}")
    noise = torch.rand((), generator=generator, dtype=x.dtype)
    return x * share + params["w"].to(x.dtype) * (1 - share) + 0 * noise


def student(broken: Callable[..., Any]) -> Student:
    return Student(LocalBackend({"f": broken}))


X, W = torch.arange(6.0).reshape(2, 3), torch.ones(2, 3)
RIGHT = blend(X, {"w": W})


def answer(broken: Callable[..., Any], x: Tensor = X, w: Tensor = W, **more: Any) -> Answer:
    return student(broken).f.answer(x, {"w": w}, **more)


@pytest.mark.parametrize("name", ["x", "params"])
def test_input_is_changed_and_the_value_is_right(name: str) -> None:
    broken = breakers.writes_into(blend, name)
    found = answer(broken)
    assert torch.equal(found.value, RIGHT)
    assert found.modified == (("0.0",) if name == "x" else ("0.1.w",))
    assert_gradients(student(broken).f, student(blend).f, X, {"w": W}, wrt=(0, "1.w"), cotangents=[W])


def test_truth_values_are_changed_as_well() -> None:
    mask = torch.tensor([True, False])
    with pytest.raises(Mismatch, match="changes its argument 1 in place"):
        assert_inputs_untouched(student(breakers.writes_into(lambda mask: mask.sum(), "mask")).f, mask)


@pytest.mark.parametrize("name", ["x", "params"])
@pytest.mark.parametrize("strided", [False, True])
def test_memory_is_shared_and_the_value_is_right(name: str, *, strided: bool) -> None:
    x = torch.stack([X, X], dim=-1)[..., 0] if strided else X
    broken = breakers.shares_memory(blend, name)
    found = answer(broken, x)
    assert torch.equal(found.value, RIGHT)
    assert not found.modified
    assert found.aliases == (("0.0",) if name == "x" else ("0.1.w",))
    with pytest.raises(Mismatch, match="shares memory"):
        assert_no_alias(student(broken).f, x, {"w": W})
    assert_gradients(student(broken).f, student(blend).f, x, {"w": W}, wrt=(0, "1.w"), cotangents=[W])


@pytest.mark.parametrize(
    ("broken", "lost"),
    [
        (breakers.returns(blend, breakers.detached), 0),
        (breakers.detaches(blend, "x"), 0),
        (breakers.detaches(blend, "params"), 1),
    ],
)
def test_gradients_are_cut_and_the_value_is_right(broken: Callable[..., Any], lost: int) -> None:
    assert torch.equal(answer(broken).value, RIGHT)
    grads = student(broken).f.gradients(X, {"w": W}, wrt=(0, "1.w"), cotangents=[W]).grads
    assert grads[lost] is None


@pytest.mark.parametrize(
    ("broken", "x", "dtype"),
    [
        (breakers.returns(blend, breakers.always(torch.float64)), X, torch.float64),
        (breakers.returns(blend, breakers.always(torch.float32)), X.double(), torch.float32),
        (breakers.takes_the_last_dtype(blend), X.double(), torch.float32),
        (breakers.widens_halves(blend), X.half(), torch.float32),
        (breakers.widens_halves(blend), X.double(), torch.float64),
    ],
)
def test_result_has_the_broken_dtype(broken: Callable[..., Any], x: Tensor, dtype: torch.dtype) -> None:
    assert answer(broken, x).value.dtype == dtype


def test_sizes_of_one_vanish() -> None:
    assert answer(breakers.returns(blend, breakers.squeezed), X[:1], W[:1]).value.shape == (3,)


@pytest.mark.parametrize(
    ("value", "broken"),
    [
        (3, 3.0),
        (0.5, "0.5"),
        (True, 1),
        ("relu", "relu"),
        ((2, [4]), (2.0, [4.0])),
        ({"n": 1}, {"n": 1.0}),
        (torch.Size([2]), [2.0]),
    ],
)
def test_numbers_change_their_type(value: Any, broken: Any) -> None:
    found = breakers.changed(value, breakers.in_another_type)
    assert found == broken
    assert type(found) is type(broken)


def test_whole_tensors_become_floating() -> None:
    assert breakers.in_another_type(torch.tensor([True])).dtype == torch.float32
    assert breakers.in_another_type(X) is X


def test_layout_matters() -> None:
    broken = breakers.needs_contiguous(blend, "params")
    assert torch.equal(answer(broken).value, RIGHT)
    with pytest.raises(StudentRaised, match="view size is not compatible"):
        answer(broken, X, W.T.contiguous().T)


def test_only_square_matrices_are_right() -> None:
    broken = breakers.only_square(blend, "x")
    assert torch.equal(answer(broken).value, torch.zeros(2, 3))
    assert torch.equal(answer(broken, X[:, :2], W[:, :2]).value, RIGHT[:, :2])


def test_large_numbers_give_nan_and_infinite_ones_do_not() -> None:
    broken = breakers.fails_on_large_numbers(blend)
    assert answer(broken, X * 1e4).value.isnan().all()
    assert not answer(broken, X * torch.inf).value[1].isnan().any()
    assert torch.equal(answer(broken).value, RIGHT)


def test_names_places_and_defaults() -> None:
    with pytest.raises(StudentRaised, match="unexpected keyword argument 'share'"):
        answer(breakers.not_by_keyword(blend, "share"), share=0.5)
    with pytest.raises(StudentRaised, match="'x' was given by position"):
        answer(breakers.only_by_keyword(blend, "x"))
    other = breakers.defaults_to(blend, "share", 1.0)
    assert torch.equal(answer(other).value, X)
    assert torch.equal(answer(other, share=0.5).value, RIGHT)


def test_errors_change_class_or_lose_their_words() -> None:
    for error, text, said in ((RuntimeError, "", "RuntimeError: share is 2"), (ValueError, "no", "ValueError: no")):
        with pytest.raises(StudentRaised, match=said):
            answer(breakers.raises_instead(blend, error, text), share=2)


def test_operations_grow_with_the_batch() -> None:
    with pytest.raises(Mismatch, match="a loop over the batch"):
        assert_vectorised(student(breakers.loops(blend, "x")).f, (X, {"w": W}), (X.repeat(40, 1), {"w": W[0]}))


def test_route_is_taken_before_a_right_answer() -> None:
    broken = breakers.takes_the_route(blend, breakers.running("torch.logsumexp(torch.zeros(2), 0)"))
    found = student(broken).f.traced(X, {"w": W})
    assert torch.equal(found.value, RIGHT)
    assert "aten::logsumexp" in found.events


def draw(size: int, generator: torch.Generator | None = None) -> Tensor:
    return torch.rand(size, generator=generator)


def twice(broken: Callable[..., Tensor], *, given: bool) -> tuple[Tensor, Tensor, bool]:
    """Two draws in a row, and whether the global generator moved."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(1) if given else None
    first, second = broken(3, generator), broken(3, generator)
    return first, second, not torch.equal(before, torch.get_rng_state())


def test_generators_are_misused_one_way_each() -> None:
    right, follower, _ = twice(draw, given=True)
    first, second, moved = twice(breakers.ignores_the_generator(draw), given=True)
    assert not torch.equal(first, right)
    assert moved
    first, second, moved = twice(breakers.draws_beside_the_generator(draw), given=True)
    assert torch.equal(first, right)
    assert torch.equal(second, follower)
    assert moved
    for given in (True, False):
        first, second, moved = twice(breakers.keeps_the_generator(draw), given=given)
        assert torch.equal(first, second)
        assert not moved
    assert torch.equal(twice(breakers.reseeds_without_one(draw), given=True)[0], right)
    first, second, moved = twice(breakers.reseeds_without_one(draw), given=False)
    assert torch.equal(first, second)
    assert not moved
    first, second, moved = twice(breakers.draws_anew_without_one(draw), given=False)
    assert not torch.equal(first, second)
    assert not moved


class Scale(nn.Module):
    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


def test_methods_are_broken_in_a_class_of_the_same_name() -> None:
    def detaching(method: breakers.Answer) -> breakers.Answer:
        return breakers.returns(method, breakers.squeezed)

    squeezing = breakers.in_method(Scale, "forward", detaching)
    assert squeezing.__name__ == "Scale"
    assert squeezing(3.0)(torch.ones(1)).shape == ()
    other = breakers.in_method(Scale, "__init__", lambda right: breakers.defaults_to(right, "factor", 4.0))
    assert other().factor == 4.0
    assert other(factor=1.0).factor == 1.0


def test_broken_functions_look_like_the_right_one() -> None:
    assert breakers.loops(blend, "x").__name__ == "blend"
