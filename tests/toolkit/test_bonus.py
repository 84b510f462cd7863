"""Bonus points on top of a total are the same wherever a grade is read."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from msgspec.structs import replace

from autograder.exports.canvas import canvas_file
from autograder.exports.csv_file import csv_file
from autograder.exports.grades import gather
from autograder.exports.moodle import moodle_file
from autograder.history import events
from autograder.model import GradeReport
from autograder.nbgrader_bridge import configured_db_url
from tests.toolkit.canned import Canned, run
from tests.toolkit.gradebooks import scores
from tests.toolkit.tiny import TOPIC
from tests.toolkit.tiny_class import answered, graded, hand_in, released_course


def generous(student: str) -> GradeReport:
    """3 points and 4 of bonus for ``halve``, 1.5 of 2 for ``Halver``: 8.5 of 7."""
    plain = graded(student)
    halve = plain.questions[0]
    bonus = replace(halve.tests[0], name="test_bonus", title="Without a copy", points=4.0, max_points=4.0)
    halve = replace(halve, score=7.0, tests=(*halve.tests, bonus))
    return replace(plain, score=8.5, questions=(halve, *plain.questions[1:]))


def test_a_bonus_is_the_same_in_gradebook_page_exports_and_history(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    hand_in(course, "ada", answered(course))
    run(course, engine=Canned(generous))
    assert [row[:2] for row in scores(configured_db_url(course))] == [("ada", 8.5)]
    page = (course.root / "feedback" / "ada" / f"{TOPIC}.html").read_text(encoding="utf-8")
    assert "<strong>8.5</strong> of 7 points" in page
    assert "7 of 3 points" in page
    widths = [float(width) for width in re.findall(r'width="([\d.]+)%"', page)]
    assert widths
    assert max(widths) <= 100
    grades = gather(course, TOPIC)
    assert not grades[0].differs
    for made, column in ((csv_file(grades), "score"), (canvas_file(grades, "x"), "x"), (moodle_file(grades, "x"), "x")):
        assert [row[column] for row in csv.DictReader(io.StringIO(made.decode(), newline=""))][-1] == "8.5"
    (event,) = events(course, TOPIC, "ada")
    assert event.told().endswith("graded: 8.5 of 7 points")
