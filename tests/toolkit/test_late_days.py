from __future__ import annotations

import datetime
import os
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook

from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.gradebook import GradebookWriter
from autograder.nbgrader_bridge.late_days import HandedIn, charged_days, days_late
from tests.toolkit.command_line import NBGRADER
from tests.toolkit.gradebooks import content, execute, write
from tests.toolkit.tiny import TOPIC
from tests.toolkit.tiny_class import answered, graded, hand_in, released_course

DAY = 86400.0
DUE = datetime.datetime.fromisoformat("2026-03-10T12:00")
CONFIG = """
c.AssignLatePenalties.plugin_class = "autograder.nbgrader_bridge.late_days.LateDays"
c.LateDays.free_days = 3
c.LateDays.share_per_day = 0.2
"""
ROOT = Path(__file__).parents[2]

LATE = st.floats(-5 * DAY, 5 * DAY)
SUBMISSIONS = st.lists(
    st.builds(HandedIn, st.datetimes(), st.text(max_size=3), LATE), max_size=6, unique_by=lambda one: one.topic
)


@pytest.mark.parametrize(
    ("late", "grace", "days"),
    [(-DAY, 0, 0), (0, 0, 0), (1, 0, 1), (DAY, 0, 1), (DAY + 1, 0, 2), (600, 10, 0), (601, 10, 1), (DAY + 600, 10, 1)],
)
def test_a_day_counts_once_it_has_begun(late: float, grace: float, days: int) -> None:
    assert days_late(late, grace) == days


@given(SUBMISSIONS, st.integers(0, 9), st.floats(0, 100), st.randoms(use_true_random=False))
def test_free_days_pay_once_in_the_order_of_due_dates(
    submissions: list[HandedIn], free: int, grace: float, random: Any
) -> None:
    charged = charged_days(submissions, free, grace)
    total = sum(days_late(one.late, grace) for one in submissions)
    assert sum(charged.values()) == max(0, total - free)
    shuffled = random.sample(submissions, len(submissions))
    assert charged_days(shuffled, free, grace) == charged
    in_order = [charged[one.topic] for one in sorted(submissions)]
    days = [days_late(one.late, grace) for one in sorted(submissions)]
    first = next((place for place, count in enumerate(in_order) if count), len(days))
    assert in_order[first + 1 :] == days[first + 1 :]  # once free days are spent, each one costs


# ------------------------------------------------------------------------------------------ in the gradebook


@pytest.fixture
def course(tmp_path: Path) -> Course:
    found = released_course(tmp_path)
    with (found.root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write(CONFIG)
    return found


def other_assignment(db: str, name: str, due: datetime.datetime, days: float) -> None:
    """Another assignment of ten points, all won, by ada so many days late; entered by nbgrader."""
    book = Gradebook(db, "tiny")
    book.add_assignment(name, duedate=due)
    book.add_notebook(name, name)
    book.add_grade_cell("q", name, name, max_score=10, cell_type="code")
    with warnings.catch_warnings(action="ignore"):  # its own of SQLAlchemy
        book.add_submission(name, "ada", timestamp=due + datetime.timedelta(days=days))
    book.find_grade("q", name, name, "ada").auto_score = 10.0
    book.db.commit()
    book.close()


def penalties(db: str) -> dict[str, float | None]:
    statement = (
        "select assignment.name, late_submission_penalty from submitted_notebook"
        " join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id"
        " join assignment on submitted_assignment.assignment_id = assignment.id"
    )
    return {name: None if points is None else round(points, 6) for name, points in execute(db, statement)}


def prepared(course: Course, db: str, days: float) -> None:
    """Ada has handed in so many days late, and nothing is graded."""
    with GradebookWriter(course, TOPIC, db):
        pass
    execute(
        db, "update assignment set duedate = '2026-03-10 12:00:00.000000'", "insert into student (id) values ('ada')"
    )
    moment = DUE + datetime.timedelta(days=days)
    hand_in(course, "ada", answered(course), f"{moment} UTC")


def test_days_beyond_the_free_ones_cost_a_share_and_regrading_costs_nothing_more(course: Course, db: str) -> None:
    prepared(course, db, 4.5)
    for _ in range(3):
        write(course, db, graded("ada"))
        assert penalties(db) == {TOPIC: 1.8}  # 5 days, 3 free: 2 times a fifth of 4.5


def test_an_earlier_due_date_has_used_free_days(course: Course, db: str) -> None:
    prepared(course, db, 2)
    other_assignment(db, "earlier", DUE - datetime.timedelta(days=9), 2)
    write(course, db, graded("ada"))
    assert penalties(db) == {"earlier": None, TOPIC: 0.9}


def test_the_order_of_grading_is_of_no_matter(course: Course, db: str) -> None:
    prepared(course, db, 2)
    other_assignment(db, "later", DUE + datetime.timedelta(days=9), 2)
    write(course, db, graded("ada"))  # it is due before the one that was graded first
    assert penalties(db) == {TOPIC: None, "later": 2.0}
    hand_in(course, "ada", answered(course), f"{DUE} UTC")  # in time after all
    write(course, db, graded("ada"))
    assert penalties(db) == {TOPIC: None, "later": None}


def test_an_extension_and_grace_come_first_and_the_cap_last(course: Course, db: str) -> None:
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write("c.LateDays.grace_minutes = 30\nc.LateDays.cap = 0.5\n")
    prepared(course, db, 9 + 29 / (24 * 60))
    write(course, db, graded("ada"))
    assert penalties(db) == {TOPIC: 2.25}  # 6 days cost more than half
    book = Gradebook(db, "tiny")
    book.grant_extension(TOPIC, "ada", days=5)
    book.close()
    write(course, db, graded("ada"))
    assert penalties(db) == {TOPIC: 0.9}


def test_nbgrader_autograde_takes_off_the_same(course: Course) -> None:
    db = f"sqlite:///{course.root}/gradebook.db"
    prepared(course, db, 2)
    other_assignment(db, "earlier", DUE - datetime.timedelta(days=9), 2)
    write(course, db, graded("ada"))
    before = content(db)
    assert penalties(db) == {"earlier": None, TOPIC: 0.9}
    execute(db, "update submitted_notebook set late_submission_penalty = null")
    (course.root / "reports").mkdir()
    (course.root / "reports" / "ada.json").write_bytes(graded("ada").to_json())
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [*NBGRADER, "autograde", TOPIC, "--force"], cwd=course.root, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert content(db) == before


def test_a_setting_that_is_none_is_named(course: Course, db: str) -> None:
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write("c.LateDays.free_days = -1\n")
    with pytest.raises(AuthoringError, match=r"nbgrader_config\.py: under AssignLatePenalties: .*free_days"):
        GradebookWriter(course, TOPIC, db)
