from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.release import release
from autograder.specimens import (
    CHEAP_ANSWERS,
    Specimen,
    Workbook,
    answer_source,
    cell_of,
    imports_reference,
    needed,
    reach,
    specimens,
)
from tests.toolkit.tiny import edit, opened, tiny_course

MARKED = '''
from __future__ import annotations
import math
import torch
from autograder.testing import misconception

SHIFT = 3


def _shifted(x):
    return x + SHIFT


def _nobody_needs_this(x):
    return math.pi


@misconception(of="halve", hint="Alone.")
def alone(x):
    """Its own text."""
    return torch.neg(x)


@misconception("halve", hint="With a helper.")
def helped(x):
    return _shifted(x)


@misconception(of="halve", hint="On top of another.")
def on_top(x):
    return 2 * alone(x)
'''


def run(source: str, expression: str) -> Any:
    """The value of ``expression`` after the cells ``source``."""
    namespace: dict[str, Any] = {}
    exec(compile(source, "cell", "exec", dont_inherit=True), namespace)  # noqa: S102 - cells made here
    return eval(expression, namespace)  # noqa: S307 - as above


@pytest.fixture
def no_reference() -> Iterator[None]:
    """Cells make a module ``reference`` of their own; afterwards ours is back."""
    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "reference"}
    for name in ours:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "reference"]:
        del sys.modules[name]
    sys.modules.update(ours)


def test_answer_that_stands_alone_takes_the_name_of_its_question() -> None:
    source = answer_source(MARKED, "alone", "halve")
    assert "def halve(x):" in source
    assert "Its own text." in source
    assert "import torch" in source
    assert "autograder" not in source
    assert "misconception" not in source
    assert "math" not in source


def test_answer_that_calls_itself_goes_on_doing_so() -> None:
    source = "@misconception('halve', hint='')\ndef down(x):\n    return x if x < 2 else down(x - 2)\n"
    assert run(answer_source(source, "down", "halve"), "halve(5)") == 1


def test_helpers_of_an_answer_do_not_reach_other_cells() -> None:
    source = answer_source(MARKED, "helped", "halve")
    assert run(f"{source}\n\ndef _shifted(x):\n    return 'from another cell'", "halve(4)") == 7
    assert "_nobody_needs_this" not in source


def test_marks_of_other_answers_are_left_out() -> None:
    source = answer_source(MARKED.replace("torch.neg(x)", "-x"), "on_top", "halve")
    assert run(source, "halve(4)") == -8


def test_future_import_stays_at_the_top() -> None:
    assert answer_source(MARKED, "helped", "halve").startswith("from __future__ import annotations\n")


def test_marked_thing_that_is_no_definition_is_refused(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    path = course.root / "reference" / "variants" / "halving.py"
    with path.open("a", encoding="utf-8") as file:
        file.write('\n\nby_lambda = variant(of="halve")(lambda x: x / 2)\nby_lambda.autograder_variant = ')
        file.write('type(halve_by_dividing.autograder_variant)("by_lambda", "halve")\n')
    assignment, suite = opened(course)
    with pytest.raises(AuthoringError, match="'by_lambda' is marked, but is no function or class at the top"):
        list(specimens(Course(course.root), assignment, suite))


def test_needed_statements_keep_their_order() -> None:
    names = [getattr(node, "name", "") for node in needed(ast.parse(MARKED), "helped")]
    assert names == ["", "_shifted", "helped"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from reference import attention as right", True),
        ("from reference.attention import softmax", True),
        ("import reference.attention", True),
        ("import torch\nfrom math import pi\nreference = 1", False),
    ],
)
def test_imports_reference(source: str, *, expected: bool) -> None:
    assert imports_reference(source) is expected


def made(course: Course) -> dict[str, Specimen]:
    assignment, suite = opened(course)
    return {item.name: item for item in specimens(Course(course.root), assignment, suite)}


def test_specimens_of_the_tiny_course(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    found = made(course)
    kinds = [item.kind for item in found.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"reference": 1, "misconception": 3, "variant": 3, "cheap": 6}
    assert [item.question for item in found.values() if item.kind == "misconception"] == ["halve", "halve", "Halver"]
    for item in found.values():
        nbformat.validate(nbformat.reads(item.notebook.decode(), as_version=4))


def test_untouched_specimen_is_what_was_released(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    release(course, "halving")
    assert made(course)["untouched"].notebook == (course.root / "release/halving/halving.ipynb").read_bytes()


def cells_of(item: Specimen) -> list[str]:
    """The code cells of a notebook."""
    return ["".join(cell["source"]) for cell in json.loads(item.notebook)["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize(
    ("name", "asked", "told"),
    [
        ("zeros for halve", "halve(torch.tensor([3.0]))", "tensor([0.])"),
        ("ones for halve", "halve(torch.tensor([3.0]))", "tensor([1.])"),
        ("its input for halve", "halve(torch.tensor([3.0]))", "tensor([3.])"),
        ("zeros for Halver", "Halver(2)(torch.tensor([8.0]))", "tensor([0.])"),
        ("its input for Halver", "Halver(times=2)(torch.tensor([8.0]))", "tensor([8.])"),
        ("HalverOnlyOnce", "Halver(2)(torch.tensor([8.0]))", "tensor([4.])"),
        ("HalverInOneStep", "Halver(2)(torch.tensor([8.0]))", "tensor([2.])"),
    ],
)
@pytest.mark.usefixtures("no_reference")
def test_answers_of_specimens(tmp_path: Path, name: str, asked: str, told: str) -> None:
    namespace: dict[str, Any] = {}
    for cell in cells_of(made(tiny_course(tmp_path))[name]):
        exec(compile(cell, "cell", "exec", dont_inherit=True), namespace)  # noqa: S102 - cells made here
    assert repr(eval(asked, namespace)) == told  # noqa: S307 - as above


def test_specimens_but_two_hold_the_answers_alone(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    release(course, "halving")
    numbers = {name: len(cells_of(item)) for name, item in made(course).items()}
    whole = {numbers.pop("reference"), numbers.pop("untouched")}
    assert set(numbers.values()) == {2}
    assert min(whole) > 2


@pytest.mark.usefixtures("no_reference")
def test_cheap_answers_refuse_what_the_model_solution_refuses(tmp_path: Path) -> None:
    assignment, suite = opened(tiny_course(tmp_path))
    source = Workbook.of(assignment, suite).cheap("halve", CHEAP_ANSWERS["zeros"])
    with pytest.raises(ValueError, match=r"x has dtype torch\.int64"):
        run(source, "halve(torch.arange(3))")


def test_reach_follows_what_tests_and_solutions_mention(tmp_path: Path) -> None:
    assignment, suite = opened(tiny_course(tmp_path))
    assert reach(assignment, suite) == {"halve": ("halve", "Halver"), "Halver": ("Halver",)}


def test_reach_of_a_question_that_a_helper_of_the_tests_calls(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    tests = course.root / "tests" / "hidden"
    (tests / "common.py").write_text("def both(student, x):\n    return student.Halver(1)(x)\n", encoding="utf-8")
    assignment, suite = opened(course)
    assert reach(assignment, suite)["Halver"] == ("Halver", "halve")


def test_reach_of_a_question_named_by_a_string(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    edit(
        course.root / "tests/hidden/test_halving.py",
        "assert_inputs_untouched(student.halve, x)",
        'getattr(student, "Halver")',
    )
    assignment, suite = opened(course)
    assert reach(assignment, suite)["Halver"] == ("Halver", "halve")


def test_cell_of_an_unknown_name(tmp_path: Path) -> None:
    assignment, suite = opened(tiny_course(tmp_path))
    with pytest.raises(KeyError, match="nowhere"):
        cell_of(Workbook.of(assignment, suite).source, "nowhere")
