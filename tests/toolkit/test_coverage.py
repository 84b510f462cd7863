"""The table of contract lines against tests, on the tiny course: what is covered, what is not, what does not apply."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.examples import load_examples
from autograder.proof.conventions import CONVENTIONS, EVIDENCE_ONLY, without_raises
from autograder.proof.coverage import Cell, coverage, markdown
from autograder.proof.usage import observe
from autograder.seed import Seed
from autograder.testing.student import LocalBackend, Student
from tests.toolkit.tiny import TOPIC, edit, opened, tiny_course

Key = tuple[str, str, str]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[Key, Cell]:
    course = tiny_course(tmp_path_factory.mktemp("covered"))
    told: list[tuple[int, int]] = []
    found = coverage(course, [TOPIC], jobs=1, progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == len(told) - 1
    return {(cell.question, cell.line, cell.way): cell for cell in found}


@pytest.mark.parametrize(
    ("question", "line", "way", "test"),
    [
        ("halve", "dtype", "always float64", "test_halve_gives_half_of_every_entry"),
        ("halve", "dtype", "always float32", "test_halve_gives_half_of_every_entry"),
        ("halve", "in-place", "writes into x", "test_halve_leaves_its_input_alone"),
        ("halve", "size-1", "squeezed", "test_halve_gives_half_of_every_entry"),
        ("halve", "errors", "a RuntimeError", "test_halve_refuses_whole_numbers"),
        ("halve", "errors", "without a word", "test_halve_refuses_whole_numbers"),
        (
            "halve",
            "errors",
            "does not refuse: ; only floating tensors can be halved",
            "test_halve_refuses_whole_numbers",
        ),
        ("halve", "forbidden", "by-function", "test_halve_gives_half_of_every_entry"),
        ("halve", "whole-half", "halve_rounding_down", "test_halve_gives_half_of_every_entry"),
        ("Halver", "positions", "__init__: times by keyword only", "test_halver_halves_several_times"),
        ("Halver", "non-square", "forward: right for square x only", "test_halver_halves_several_times"),
    ],
)
def test_covered_line_names_its_tests(cells: dict[Key, Cell], question: str, line: str, way: str, test: str) -> None:
    cell = cells[question, line, way]
    assert test in cell.tests
    assert not cell.empty


@pytest.mark.parametrize(
    ("question", "line", "way"),
    [
        ("halve", "aliasing", "shares memory with x"),
        ("halve", "differentiable", "x is detached"),
        ("halve", "keywords", "no x="),
        ("halve", "vectorised", "a loop over x"),
        ("Halver", "dtype", "forward: always float32"),
        ("Halver", "defaults", "__init__: times=2"),
        ("Halver", "errors", "does not refuse: ; it must be at least 1"),
    ],
)
def test_line_that_no_test_looks_at_is_empty(cells: dict[Key, Cell], question: str, line: str, way: str) -> None:
    assert cells[question, line, way].empty


def test_exempt_line_gives_its_reason_and_is_not_broken(cells: dict[Key, Cell]) -> None:
    mine = {way: cell for (question, line, way), cell in cells.items() if (question, line) == ("halve", "stability")}
    assert [cell.exempt for cell in mine.values()] == ["no test of the tiny course draws large numbers"]
    assert not any(cell.empty for cell in mine.values())


def test_device_is_covered_by_the_tests_that_run_on_a_gpu(cells: dict[Key, Cell]) -> None:
    assert len(cells["halve", EVIDENCE_ONLY, ""].tests) == 3


def test_table_has_a_row_for_every_cell(cells: dict[Key, Cell]) -> None:
    table = markdown(list(cells.values()))
    assert sum(line.startswith(("| ha", "| Ha")) for line in table.splitlines()) == len(cells)
    assert "| halve | aliasing | shares memory with x | **none** |" in table
    assert "| halve | stability |  | does not apply: no test of the tiny course draws large numbers |" in table
    assert "## halving" in table


def test_line_without_a_misconception_is_empty(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    edit(course.root / "reference/misconceptions/halving.py", '    breaks="whole-half",\n', "")
    (cell,) = (cell for cell in coverage(course, [TOPIC], jobs=1) if cell.line == "whole-half")
    assert cell.way == "half of every entry, not rounded: no misconception breaks it"
    assert cell.empty


def test_misconception_that_breaks_an_unknown_line(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    edit(course.root / "reference/misconceptions/halving.py", '"whole-half"', '"a-half"')
    said = (
        r"'halve_rounding_down' breaks 'a-half', which .*halving\.toml does not list for halve; there are: whole-half"
    )
    with pytest.raises(AuthoringError, match=said):
        coverage(course, [TOPIC])


def test_route_that_raises_is_the_authors_mistake(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    edit(
        course.root / "reference/contracts/halving.toml", "torch.ldexp(torch.ones(1), torch.ones(1))", "torch.no_such()"
    )
    with pytest.raises(
        AuthoringError, match=r"halving\.toml: questions\.halve\.routes\.by-function raises AttributeError"
    ):
        coverage(course, [TOPIC])


def test_uses_are_seen_for_functions_and_methods(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    assignment, suite = opened(course)
    namespace = vars(Course(course.root).load(assignment.reference))
    reference = Student(LocalBackend(namespace))
    examples = load_examples(course, suite, Seed.of_course(course.state), "graded", reference)
    uses = observe(suite, examples, namespace)
    halve = uses["halve"][""]
    assert list(halve.floating) == ["x"]
    assert list(halve.matrices) == ["x"]
    assert halve.gives == {"floating", "dims"}
    assert halve.refuses
    assert set(uses["Halver"]) == {"__init__", "forward"}
    assert list(uses["Halver"]["__init__"].parameters) == ["times"]
    assert not uses["Halver"]["forward"].refuses


SOURCE = """
def _check(n):
    if n < 0:
        raise ValueError(f"n is {n}; it must not be negative")

def root(n):
    _check(n)
    if n > 9:
        raise ValueError("n is too large")
    raise TypeError

def other(n):
    raise ValueError("not root's")
"""


def test_each_refusal_is_left_out_once() -> None:
    ways = dict(without_raises(SOURCE, "root"))
    assert set(ways) == {"does not refuse: ; it must not be negative", "does not refuse: n is too large"}
    for source in ways.values():
        assert source.count("pass") == 1
        assert source.count("raise") == 3


def test_every_convention_has_a_sentence() -> None:
    assert all(sentence and sentence[0].islower() for sentence in CONVENTIONS.values())
