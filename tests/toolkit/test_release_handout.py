from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.release.answers import Reference
from autograder.release.consistency import require_consistent
from autograder.release.handout import Handout, read_handout
from tests.toolkit.tiny import TINY, TOPIC, edit, opened, tiny_course

HEADER = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---
"""


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


def handout_of(tmp_path: Path, body: str, header: str = HEADER) -> Handout:
    path = tmp_path / "topic.md"
    path.write_text(header + body, encoding="utf-8")
    return read_handout(path)


def code(text: str, *options: str) -> str:
    return "\n".join(["```{code-cell} ipython3", *options, text, "```\n"])


def problems(course: Course) -> str:
    assignment, suite = opened(course)
    with pytest.raises(AuthoringError) as caught:
        require_consistent(
            read_handout(assignment.handout), Reference.read(assignment.reference), suite, assignment.front
        )
    return str(caught.value)


# reading


def test_cells_say_what_they_are_for() -> None:
    handout = read_handout(TINY / "assignments" / TOPIC / f"{TOPIC}.md")
    kinds = [cell.kind for cell in handout.cells]
    assert kinds == ["prose", "code", "prose", "question", "check", "prose", "question", "check", "manual", "prose"]
    assert handout.names("question") == handout.names("check") == ["halve", "Halver"]
    assert handout.asked() == ["halve", "Halver", "explain_halving"]


def test_tags_are_kept(tmp_path: Path) -> None:
    handout = handout_of(tmp_path, code("x = 1", ":tags: [hide-input]"))
    assert handout.cells[0].tags == ("hide-input",)


def test_a_question_may_use_what_the_cells_above_it_bring(tmp_path: Path) -> None:
    body = code(
        "%matplotlib inline\nimport torch.nn as nn, math\nfrom torch import Tensor as T\nif math:\n    a = b = 1"
    )
    body += code("", ":question: first") + code("", ":question: second") + code("later = 2")
    handout = handout_of(tmp_path, body)
    assert handout.names_before("first") == {"nn", "math", "T", "a", "b"}
    assert handout.names_before("second") == {"nn", "math", "T", "a", "b", "first"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (code("x = 1", ":foo: bar"), "unknown option 'foo' of a code cell; there are: question, check, tags"),
        ('+++ {"question": "f"}\n\ntext\n', "unknown option 'question' of a markdown cell; there are: manual, tags"),
        (code("", ":question: f", ":check: f"), "either a question or a check, not question and check at once"),
        (code("x = 1", ":question: f"), "the cell of question 'f' must be empty: the reference fills it"),
        (code("", ":check: f"), "the check cell 'f' is empty; write what students should meet there"),
        (code("", ":question: 3"), "a question cell is named 3; the name is that of a function or class"),
        (code("", ":question: not-a-name"), "a question cell is named 'not-a-name'"),
        (code("x = 1", ":foo: ["), "is not a MyST notebook"),
        (
            "```{raw-cell}\n:raw_mimetype: text/html\n<b>\n```\n",
            "has a raw cell; a handout holds Markdown and code cells",
        ),
    ],
)
def test_a_cell_that_makes_no_sense_is_refused(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(AuthoringError) as caught:
        handout_of(tmp_path, body)
    assert str(caught.value).startswith(str(tmp_path / "topic.md"))
    assert message in str(caught.value)


@pytest.mark.parametrize("header", ["", HEADER.replace("myst", "markdown")])
def test_other_markdown_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(AuthoringError, match="is not a MyST notebook but 'markdown'; the header needs 'jupytext: "):
        handout_of(tmp_path, "# Title\n", header)


def test_code_that_is_not_python_is_refused(tmp_path: Path) -> None:
    handout = handout_of(tmp_path, code("x = = 1") + code("", ":question: f"))
    with pytest.raises(AuthoringError, match="the code cell 'x = = 1' is not Python: invalid syntax"):
        handout.names_before("f")


# agreement with the reference and the hidden tests


def test_the_tiny_course_agrees(course: Course) -> None:
    assignment, suite = opened(course)
    require_consistent(read_handout(assignment.handout), Reference.read(assignment.reference), suite, assignment.front)


def handout(course: Course) -> Path:
    return course.root / "assignments" / TOPIC / f"{TOPIC}.md"


def test_a_question_without_a_reference_or_tests(course: Course) -> None:
    edit(handout(course), ":question: halve\n", ":question: third\n")
    said = problems(course)
    assert (
        f"{handout(course)}, line 21: asks for 'third', which {course.root / 'reference' / 'halving.py'} does not"
        in said
    )
    assert "asks for 'third', which no test in " in said
    assert f"gives points for 'halve'; {handout(course)} has no cell ':question: halve' for it" in said
    assert "question 'third' has no visible check; add a code cell ':check: third' below it" in said
    assert "has a check of 'halve', which the handout does not ask for" in said


def test_a_question_asked_twice(course: Course) -> None:
    edit(handout(course), "## Several times", "```{code-cell} ipython3\n:question: halve\n```\n")
    assert problems(course) == f"{handout(course)}, line 31: 'halve' has 2 question cells; keep one"


def test_a_question_checked_twice(course: Course) -> None:
    edit(handout(course), "## Several times", "```{code-cell} ipython3\n:check: halve\nhalve\n```\n")
    assert problems(course) == f"{handout(course)}, line 31: 'halve' has 2 check cells; keep one"


def test_a_manual_question_that_takes_another_name(course: Course) -> None:
    edit(handout(course), "explain_halving", "halve")
    assert "the manual question 'halve' needs a name of its own; another cell has it" in problems(course)


def test_a_manual_question_without_a_cell(course: Course) -> None:
    edit(handout(course), '+++ {"manual": "explain_halving"}', "+++")
    assert """the header names the manual question 'explain_halving'; add '+++ {"manual":""" in problems(course)


def test_a_manual_question_without_points(course: Course) -> None:
    edit(handout(course), "explain_halving: {points: 2}", "another: {points: 0}")
    said = problems(course)
    assert "the manual question 'explain_halving' has no points; add them to the header" in said
    assert "the manual question 'another' has 0 points; give it more than 0" in said
