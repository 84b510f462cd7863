"""Graded tests of the tiny assignment: 5 points, 2 questions."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.testing import assert_inputs_untouched, assert_matches, assert_raises, double, forbid, question
from autograder.testing import strategies as ts

FORBIDDEN = {"halve": forbid("aten::ldexp*", names=("ldexp",))}


@question("halve", points=1, gate=True)
@given(x=ts.tensors(dtype=ts.float_dtypes()))
@settings(max_examples=10)
def test_halve_gives_half_of_every_entry(student, reference, x):
    """Half of every entry"""
    assert_matches(student.halve(x), reference.halve(double(x)), dtype=x.dtype)


@question("halve", points=1)
@given(x=ts.tensors())
@settings(max_examples=5)
def test_halve_leaves_its_input_alone(student, x):
    """The input stays as it was"""
    assert_inputs_untouched(student.halve, x)


@question("halve", points=1)
@given(size=st.integers(1, 3))
@settings(max_examples=3)
def test_halve_refuses_whole_numbers(student, size):
    """A ValueError for whole numbers, which names x"""
    assert_raises(student.halve, torch.arange(size), names=("x",))


@question("Halver", points=1.5, gate=True, depends_on=("halve",))
@given(x=ts.tensors(), times=st.integers(1, 3))
@settings(max_examples=10)
def test_halver_halves_several_times(student, reference, x, times):
    """An input is halved as often as asked"""
    assert_matches(student.Halver(times)(x), reference.Halver(times)(double(x)), dtype=x.dtype)


@question("Halver", points=0.5)
@given(calls=st.integers(0, 3))
@settings(max_examples=4)
def test_halver_counts_its_calls(student, calls):
    """The buffer holds the number of calls"""
    halver = student.Halver()
    for _ in range(calls):
        halver(torch.ones(2))
    assert_matches(halver.get("calls"), torch.tensor(calls))
