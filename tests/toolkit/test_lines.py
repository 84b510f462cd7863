"""What an author gets wrong is told with the file and the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.hints import known_misconceptions
from autograder.lines import at, line_of, place_of
from autograder.release import release
from tests.toolkit.tiny import TOPIC, edit, opened, tiny_course

REFERENCE = f"reference/{TOPIC}.py"
WRONG = f"reference/misconceptions/{TOPIC}.py"
HANDOUT = f"assignments/{TOPIC}/{TOPIC}.md"
TESTS = f"tests/hidden/test_{TOPIC}.py"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


def use(course: Course) -> None:
    """All files of the assignment are read."""
    assignment, _ = opened(course)
    release(Course(course.root), TOPIC)
    fresh = Course(course.root)
    known_misconceptions(fresh.load(assignment.misconceptions), vars(fresh.load(assignment.reference)))


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (REFERENCE, "return x * _FACTOR", "return x *", "is not Python: invalid syntax"),
        (REFERENCE, "_FACTOR = 0.5", "_FACTOR = 0.5 / 0", "importing it raised ZeroDivisionError"),
        (REFERENCE, "def _count(self", "def _count(self, x: Nothing := 1", "is not Python: "),
        (
            TESTS,
            "def test_halver_counts_its_calls(",
            "def test_halver_counts_its_calls((",
            "importing it raised Syntax",
        ),
        (TESTS, '@question("Halver", points=0.5)', "", "test_halver_counts_its_calls is not marked with @question"),
        (TESTS, '@question("Halver", points=0.5)', '@question("Third", points=0.5)', "gives points for 'Third'; "),
        (TESTS, '@question("Halver", points=0.5)', '@question("Halver", points=0)', "question 'Halver': points=0"),
        (
            TESTS,
            '    """The buffer holds',
            '    "no docstring"[0]; """The',
            "test_halver_counts_its_calls: needs a docstring",
        ),
        (
            WRONG,
            ', hint="Your module halves once whatever `times` says."',
            "",
            "missing 1 required keyword-only argument",
        ),
        (WRONG, "Your module halves once whatever `times` says.", "", "a misconception of 'Halver' has no hint"),
        (WRONG, 'of="Halver"', 'of="Third"', "misconception 'HalverOnlyOnce' is of 'Third'"),
        (HANDOUT, "  title: Halving", "  title: [Halving", "the header is not YAML: "),
        (HANDOUT, "call_seconds: 2", "cal_seconds: 2", "header, under 'autograder': .*`cal_seconds`"),
        (HANDOUT, "call_seconds: 2", "call_seconds: two", "header, under 'autograder': Expected `float`"),
        (HANDOUT, ":question: Halver", ":question: Third", f"asks for 'Third', which .*{TOPIC}.py does not define"),
        (HANDOUT, ":check: Halver", ":check: Third", "has a check of 'Third', which the handout does not ask for"),
        (HANDOUT, ":check: Halver", ":chek: Halver", "unknown option 'chek' of a code cell"),
        (HANDOUT, "from torch import Tensor, nn", "from torch import", "the code cell 'import torch' is not Python"),
    ],
)
def test_a_mistake_is_told_with_its_line(course: Course, file: str, old: str, new: str, told: str) -> None:
    path = course.root / file
    number = path.read_text(encoding="utf-8").partition(old)[0].count("\n") + 1
    edit(path, old, new)
    with pytest.raises(AuthoringError, match=told) as caught:
        use(course)
    said = str(caught.value)
    # A test, a cell, a decorator and an open bracket are told by where they begin or were noticed: near, in this file.
    near = {f"{path}, line {line}: " for line in range(number - 5, number + 4)}
    assert any(place in said for place in near), said


def test_a_question_without_a_test_is_told_by_its_cell(course: Course) -> None:
    text = (course.root / TESTS).read_text(encoding="utf-8")
    (course.root / TESTS).write_text(text.partition('@question("Halver"')[0], encoding="utf-8")
    with pytest.raises(
        AuthoringError, match=rf"{TOPIC}.md, line 33: asks for 'Halver', which no test in .* counts for"
    ):
        use(course)


def test_what_has_no_file_has_no_line() -> None:
    made = eval("lambda: 0")  # noqa: S307 - a function without a file
    assert line_of(made) == 0
    assert at("file.py", 0) == "file.py"
    assert place_of(int) == str(int)
