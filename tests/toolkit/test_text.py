from __future__ import annotations

import math
import unicodedata
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.display import SHOWN_ENTRIES, call_text, show
from autograder.text import clean


@given(st.text(st.characters(), max_size=30))
def test_nothing_invisible_is_left(text: str) -> None:
    cleaned = clean(text)
    left = {unicodedata.category(char) for char in cleaned if char not in "\n\t"}
    assert not left & {"Cc", "Cf", "Cs", "Co", "Cn"}
    cleaned.encode("utf-8")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=30))
def test_visible_text_stays_as_it_is(text: str) -> None:
    assert clean(text + "\n\t") == text + "\n\t"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\x00b", r"a\x00b"),
        ("\u202eevil", r"\u202eevil"),
        ("\ud800", r"\ud800"),
        ("a\r\nb", "a\\x0d\nb"),
        ("softmax(σ) ≠ 1 😀", "softmax(σ) ≠ 1 😀"),
    ],
)
def test_controls_become_visible(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_long_text_is_cut_and_says_by_how_much() -> None:
    assert clean("x" * 10, 10) == "x" * 10
    assert clean("x" * 13, 10) == "x" * 10 + " ... (3 more characters)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (torch.tensor([1.0, 0.5]), "torch.tensor([1., 0.5])"),
        (torch.tensor(2.5), "torch.tensor(2.5)"),
        (torch.tensor([[1, 2], [3, 4]]), "torch.tensor([[1, 2], [3, 4]])"),
        (torch.tensor([True]), "torch.tensor([True])"),
        (torch.tensor([1.0], dtype=torch.float16), "torch.tensor([1.], dtype=torch.float16)"),
        (torch.tensor([1e30, 1e-30]), "torch.tensor([1e+30, 1e-30])"),
        (torch.tensor([math.nan, math.inf, -math.inf]), "torch.tensor([float('nan'), float('inf'), float('-inf')])"),
        (torch.tensor([1j]), "torch.tensor([1j], dtype=torch.complex64)"),
        (torch.empty(0, 3), "torch.empty((0, 3))"),
        (torch.empty(0, dtype=torch.int8), "torch.empty((0,), dtype=torch.int8)"),
        (1.0, "1."),
        (0.1, "0.1"),
        (math.nan, "float('nan')"),
        (3, "3"),
        (True, "True"),
        (None, "None"),
        ("a\x1b", r"'a\x1b'"),
        ((), "()"),
        ((1,), "(1,)"),
        ((1, torch.tensor(2)), "(1, torch.tensor(2))"),
        ([1.5, None], "[1.5, None]"),
        ({"a": [1], 2: torch.tensor([])}, "{'a': [1], 2: torch.empty((0,))}"),
        (torch.Generator().manual_seed(7), "torch.Generator().manual_seed(7)"),
    ],
)
def test_values_are_shown_as_python_would_write_them(value: Any, text: str) -> None:
    assert show(value) == text


@pytest.mark.parametrize("value", [torch.tensor([1.0, math.inf]), torch.ones(2, 2).half(), (1.0, [2, math.inf])])
def test_what_is_shown_of_a_small_value_is_the_value(value: Any) -> None:
    again = eval(show(value), {"torch": torch, "float": float})  # noqa: S307 - our own text
    assert torch.equal(again, value) if isinstance(value, torch.Tensor) else again == value


def test_a_large_tensor_is_shown_by_shape_and_first_entries() -> None:
    assert show(torch.ones(SHOWN_ENTRIES)).startswith("torch.tensor([1., 1.")
    shown = show(torch.arange(SHOWN_ENTRIES + 1).double())
    assert shown == "a tensor of shape (65,), dtype=torch.float64, first entries 0, 1, 2, 3, 4, 5, ..."


def test_a_large_value_is_cut() -> None:
    assert show(["x" * 100] * 100, limit=50).endswith("more characters)")


def test_calls_are_shown_with_positional_and_named_arguments() -> None:
    assert call_text("softmax", (torch.tensor([1.0]), 2), {"dim": -1}) == "softmax(torch.tensor([1.]), 2, dim=-1)"
    assert call_text("make", (), {}) == "make()"


def test_entries_that_differ_look_different() -> None:
    close = torch.tensor([1.0, 1.0 + 1e-12], dtype=torch.float64)
    assert show(close) == "torch.tensor([1., 1.0000000000010001], dtype=torch.float64)"
    assert show(close.float().mul(1.0)) == "torch.tensor([1., 1.])"
    assert show(torch.tensor([0.1, 0.1 + 1e-7])) == "torch.tensor([0.100000001, 0.100000098])"
    assert show(torch.tensor([0.123456, 3.0])) == "torch.tensor([0.12346, 3.])"
    assert show(torch.tensor([math.nan, 0.1234567, math.nan])) == "torch.tensor([float('nan'), 0.12346, float('nan')])"
