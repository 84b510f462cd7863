from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.suite import Suite, collect
from tests.toolkit.tiny import TOPIC, opened, tiny_course

HEAD = """
from hypothesis import given, settings, strategies as st
from autograder.testing import assert_matches, forbid, question
"""


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


def suite_of(course: Course, text: str) -> Suite:
    assignment = course.assignment(TOPIC)
    assignment.hidden_tests.write_text(HEAD + text, encoding="utf-8")
    return collect(Course(course.root), assignment)


def test_tests_are_listed_in_file_order_with_title_points_and_fixtures(course: Course) -> None:
    _, suite = opened(course)
    assert [test.name for test in suite.tests] == [
        "test_halve_gives_half_of_every_entry",
        "test_halve_leaves_its_input_alone",
        "test_halve_refuses_whole_numbers",
        "test_halver_halves_several_times",
        "test_halver_counts_its_calls",
    ]
    assert [test.wants for test in suite.tests[:2]] == [("student", "reference"), ("student",)]
    assert suite.tests[0].title == "Half of every entry"
    assert all(test.drawn for test in suite.tests)
    assert suite.questions() == ["halve", "Halver"]
    assert [suite.points(name) for name in suite.questions()] == [3.0, 2.0]
    assert suite.tests[3].question.depends_on == ("halve",)
    assert suite.forbidden["halve"].names == ("ldexp",)
    assert suite.digest == opened(course)[1].digest


def test_fixed_tests_bonus_and_long_docstrings(course: Course) -> None:
    text = '''
@question("halve", points=0.1)
def test_fixed(student):
    """
    The title

    and more for authors.
    """

@question("halve", points=0.2)
@settings(max_examples=3)
@given(x=st.integers())
def test_drawn(student, x):
    """Drawn"""

@question("halve", points=5, bonus=True)
def test_bonus(student):
    """More"""

def helper_of_tests(): ...
'''
    suite = suite_of(course, text)
    assert [(test.name, test.title, test.drawn) for test in suite.tests] == [
        ("test_fixed", "The title", False),
        ("test_drawn", "Drawn", True),
        ("test_bonus", "More", False),
    ]
    assert suite.points("halve") == 0.3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no test; write functions named test_... marked with @question"),
        ("from autograder.release import settings as test_imported", "holds no test"),
        ("def test_unmarked(student): ...", "test_unmarked is not marked with @question"),
        (
            '@given(x=st.integers())\ndef test_order(x):\n    """T"""',
            "test_order is not marked",
        ),
        ('@question("q", points=1, bonus=True)\ndef test_b():\n    """T"""', "question 'q' has bonus points only"),
        (
            '@question("q", points=1)\ndef test_f():\n    """T"""\nFORBIDDEN = {"q": "aten::*"}',
            r"FORBIDDEN maps function names \(or '\*'\) to forbid",
        ),
        (
            '@question("q", points=1)\ndef test_f():\n    """T"""\nFORBIDDEN = forbid("aten::*")',
            r"FORBIDDEN maps function names \(or '\*'\) to forbid",
        ),
    ],
)
def test_what_an_author_got_wrong_is_said_with_the_file(course: Course, text: str, message: str) -> None:
    with pytest.raises(AuthoringError, match=rf"test_halving.py(, line \d+)?: {message}"):
        suite_of(course, text)
