from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from autograder.course import Course
from autograder.errors import UsageError
from autograder.history import Event, events, of_grading, record, require_known
from autograder.model import Verdict
from tests.toolkit.canned import Canned
from tests.toolkit.canned import run as grade
from tests.toolkit.command_line import RIGHT, hand_in, runner
from tests.toolkit.reports import question, report
from tests.toolkit.reports import record as a_test
from tests.toolkit.tiny import TOPIC, tiny_course
from tests.toolkit.tiny_class import answered, graded, released_course
from tests.toolkit.tiny_class import hand_in as class_hand_in

WHEN = "2026-03-01T10:00:00+00:00"
NOTE = Event(when=WHEN, student="ada", kind="note", why="looks wrong")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


def lines(course: Course) -> Path:
    return course.state / "history" / f"{TOPIC}.jsonl"


@pytest.mark.parametrize(
    ("changed", "why"),
    [(["submission"], "submission changed"), (["a", "b", "c", "d"], "a, b, c and 1 more changed"), ([], "forced")],
)
def test_a_regrade_has_its_reason(changed: list[str], why: str) -> None:
    before, after = report(question("halve", a_test(Verdict.FAILED))), report(question("halve", a_test()))
    event = of_grading(after, before, changed)
    assert (event.kind, event.before, event.score, event.why) == ("regraded", 0.0, 1.0, why)
    assert event.told().endswith(f"UTC  regraded: 0 -> 1 of 1 point ({why})")


def test_a_failure_of_ours_is_no_score() -> None:
    event = of_grading(report(verdict=Verdict.GRADER_ERROR, message="Traceback\nOSError: \x1b[2J"), None, [])
    assert (event.kind, event.score) == ("failed", None)
    assert event.told().endswith(r"not graded, our fault (OSError: \x1b[2J)")


def test_lines_are_added_for_their_student_and_readable_by_the_owner_alone(course: Course) -> None:
    assert events(course, TOPIC, "ada") == []
    record(course, TOPIC, NOTE)
    first = lines(course).read_bytes()
    record(course, TOPIC, replace(NOTE, student="bob"))
    record(course, TOPIC, NOTE)
    assert lines(course).read_bytes().startswith(first)
    assert events(course, TOPIC, "ada") == [NOTE, NOTE]
    assert stat.S_IMODE(lines(course).stat().st_mode) == 0o600
    assert ".autograder/" in (Path(__file__).parents[2] / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_a_line_cut_short_costs_itself_alone(course: Course) -> None:
    record(course, TOPIC, NOTE)
    for size in range(1, lines(course).stat().st_size):
        os.truncate(lines(course), size)
        record(course, TOPIC, NOTE)
        assert events(course, TOPIC, "ada")[-1] == NOTE
        lines(course).unlink()
        record(course, TOPIC, NOTE)


def test_a_grade_that_is_told_twice_is_one(course: Course) -> None:
    graded = of_grading(report(assignment=TOPIC), None, [])
    record(course, TOPIC, graded)
    record(course, TOPIC, replace(graded, when=WHEN))
    assert events(course, TOPIC, "ada") == [graded]
    forced = replace(graded, kind="regraded", before=0.0, why="forced")
    record(course, TOPIC, forced)
    record(course, TOPIC, forced)
    assert events(course, TOPIC, "ada") == [graded, forced, forced]


def test_a_process_that_is_killed_loses_nothing_it_wrote(course: Course) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom autograder.course import Course\n"
        "from autograder.history import Event, record\n"
        "for n in range(5):\n"
        f"    event = Event(when={WHEN!r}, student='ada', kind='note', why=str(n))\n"
        f"    record(Course(Path(sys.argv[1])), {TOPIC!r}, event)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(course.root)], check=False)
    assert done.returncode == -9
    assert [event.why for event in events(course, TOPIC, "ada")] == ["0", "1", "2", "3", "4"]


def test_a_misspelt_student_is_told(course: Course) -> None:
    hand_in(course.root, "ada", RIGHT)
    require_known(course, "ada")
    with pytest.raises(UsageError, match=r"no student 'adda' in this course; did you mean 'ada'\?"):
        require_known(course, "adda")
    require_known(course, "eve", {"eve"})
    (course.root / "roster.csv").write_text("student\nbob\n", encoding="utf-8")
    require_known(course, "bob")
    with pytest.raises(UsageError, match=r"no student 'ada' in this course; a roster\.csv says who takes the course"):
        require_known(course, "ada", {"ada"})
    record(course, TOPIC, NOTE)
    require_known(course, "ada")


def test_grading_twice_within_a_second_is_told_twice(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    class_hand_in(course, "ada", answered(course))
    for force in (False, True, True):
        grade(course, engine=Canned(started=WHEN), force=force)
    assert [event.why for event in events(course, TOPIC, "ada")] == ["", "forced", "forced"]


def test_grading_tells_the_history_and_the_command_shows_it(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    class_hand_in(course, "ada", answered(course))
    grade(course)
    grade(course)
    grade(course, force=True)
    class_hand_in(course, "ada", answered(course, "On second thought."))
    grade(course, engine=Canned(lambda student: graded(student, halver=Verdict.PASSED)))
    run = runner(course.root)
    shown = run("history", "ada", TOPIC, "--note", "asks why [bold]").stdout
    assert [line.partition("UTC  ")[2] for line in shown.splitlines()] == [
        "graded: 4.5 of 7 points",
        "regraded: 4.5 -> 4.5 of 7 points (forced)",
        "regraded: 4.5 -> 5 of 7 points (submission changed)",
        "note: asks why [bold]",
    ]
    assert "--note: write what is to be remembered" in run("history", "ada", TOPIC, "--note", " ", code=2).stderr
    (course.root / "roster.csv").write_text("student\nbob\n", encoding="utf-8")
    assert run("history", "bob", TOPIC).stdout == f"nothing has happened to bob in {TOPIC}\n"
