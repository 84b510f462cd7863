from __future__ import annotations

import pytest

from autograder.touched import digests

SOURCE = '''\
"""Graded tests."""

import torch
from hypothesis import given

LIMIT = 3
OTHER = 4
TABLE = {}
TABLE["x"] = 1
FORBIDDEN = {"f": 1}


def helper(x):
    """Halves."""
    return deeper(x) + LIMIT


def deeper(x):
    return x / 2


@given(x=strategy())
def test_one(student, x):
    """The first."""
    assert student.f(x) == helper(x)


@given(x=1)
def test_two(student, x):
    assert student.f(x) == torch.tensor(OTHER)


def test_three(student):
    assert TABLE
'''
TESTS = ("test_one", "test_two", "test_three")


def touched(source: str, old: str, new: str) -> set[str]:
    """Names without ``test_`` of the tests that see a difference where ``new`` stands for ``old``."""
    assert old in source
    before, after = digests(source, TESTS), digests(source.replace(old, new), TESTS)
    return {name.removeprefix("test_") for name in TESTS if before[name] != after[name]}


@pytest.mark.parametrize(
    ("old", "new", "tests"),
    [
        ("    assert TABLE", "    assert not TABLE", {"three"}),
        ('"""The first."""', '"""The 1st."""', {"one"}),
        ("@given(x=1)", "@given(x=2)", {"two"}),
        ("return x / 2", "return x * 0.5", {"one"}),
        ("LIMIT = 3", "LIMIT = 5", {"one"}),
        ("OTHER = 4", "OTHER = 5", {"two"}),
        ("import torch\n", "import numpy as torch\n", {"two"}),
        ('TABLE["x"] = 1', 'TABLE["x"] = 2', {"three"}),
        ('{"f": 1}', '{"f": 2}', {"one", "two", "three"}),
        ("LIMIT = 3", "LIMIT = 3\nregister()", {"one", "two", "three"}),
        ("LIMIT = 3", "LIMIT = 3\nif LIMIT:\n    LIMIT = 4", {"one", "two", "three"}),
        ("LIMIT = 3", "from elsewhere import *\nLIMIT = 3", {"one", "two", "three"}),
        ("LIMIT = 3", "LIMIT = 3\n@helper\ndef registered():\n    pass", {"one", "two", "three"}),
        ("LIMIT = 3", "LIMIT = 3\n@given\ndef drawn():\n    pass", set()),
        ("LIMIT = 3", "LIMIT = 3\nMORE = 6", set()),
        ("LIMIT = 3", "LIMIT   =  3  # of what?\n\n", set()),
        ('"""Graded tests."""', '"""Tests."""', set()),
        ("return x / 2", 'return globals()["x"]', {"one", "two", "three"}),
    ],
)
def test_an_edit_touches_the_tests_that_depend_on_it(old: str, new: str, tests: set[str]) -> None:
    assert touched(SOURCE, old, new) == tests


def test_where_names_may_be_reached_unnamed_every_edit_touches_all() -> None:
    source = SOURCE.replace("assert TABLE", "assert eval('OTHER')")
    assert touched(source, "LIMIT = 3", "LIMIT = 4") == {"one", "two", "three"}


def test_a_test_that_is_not_defined_by_its_name_depends_on_the_whole_file() -> None:
    before, after = (digests(text, ["test_made"]) for text in (SOURCE, SOURCE.replace("x / 2", "x / 3")))
    assert before != after
