from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.errors import UsageError
from autograder.exports.summary import ROWS, cell, summary
from autograder.history import events
from autograder.recording import record_class
from autograder.release import release
from tests.toolkit.command_line import WRONG, environment, hand_in, right, runner
from tests.toolkit.gradebooks import scores
from tests.toolkit.reports import HOSTILE_TEXTS, all_passed, grader_failed, hostile
from tests.toolkit.tiny import TOPIC, tiny_course

Report = dict[str, Any]

# Runs the command line in a process that may start no other.
ALONE = """
import sys
def hook(event, arguments):
    if event in ("subprocess.Popen", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system"):
        raise SystemExit(f"started {event}")
sys.addaudithook(hook)
from autograder.cli import main
main()
"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course whose class of two was graded into ``graded/``, as in CI's untrusted stage."""
    course = tiny_course(tmp_path_factory.mktemp("recording")).root
    release(Course(course), TOPIC)
    hand_in(course, "ada", right(course), "open('ran', 'w').close()")
    hand_in(course, "bob", right(course), WRONG)
    runner(course)(
        "grade", TOPIC, "--db", "none", "--results", "graded", "--json", "all.json", "--summary", "summary.md"
    )
    shutil.rmtree(course / "feedback")
    return course


@pytest.fixture
def course(graded: Path, tmp_path: Path) -> Course:
    shutil.copytree(graded, tmp_path / "course")
    return Course(tmp_path / "course")


def result_file(course: Course, student: str) -> Path:
    return course.root / "graded" / TOPIC / f"{student}.json"


def recorded(course: Course) -> tuple[list[str], dict[str, str]]:
    done = record_class(course, TOPIC, course.submitted, course.root / "graded")
    return [report.student for report in done.reports], done.problems


def test_results_of_another_machine_are_entered_and_nothing_is_run(course: Course) -> None:
    command = [sys.executable, "-c", ALONE, "record", TOPIC, "--results", "graded", "--summary", "summary.md"]
    done = subprocess.run(command, cwd=course.root, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 grades recorded" in done.stdout
    assert not (course.root / "ran").exists()
    db = f"sqlite:///{course.root}/gradebook.db"
    assert [(student, score) for student, score, _ in scores(db)] == [("ada", 5.0), ("bob", 0.0)]
    assert (course.root / "feedback" / "ada" / f"{TOPIC}.html").is_file()
    assert (course.results / TOPIC / "bob.json").read_bytes() == result_file(course, "bob").read_bytes()
    told = (course.root / "summary.md").read_text(encoding="utf-8")
    assert told.count("| ada | 5 | 7 | passed |") == 2  # by the graded stage and by this one


def award(report: Report) -> None:
    """Full points for failures."""
    for question in report["questions"]:
        question["score"] = question["max_score"]
        for test in question["tests"]:
            test["points"] = test["max_points"]
    report["score"] = report["max_score"]


def more_points(report: Report) -> None:
    test = report["questions"][0]["tests"][0]
    test["points"] = test["max_points"] = 100.0


def other_total(report: Report) -> None:
    report["score"] = 4.0


def other_test(report: Report) -> None:
    report["questions"][0]["tests"][0]["name"] = "test_mine"


def no_test(report: Report) -> None:
    report["questions"][0]["tests"].clear()


def open_gate(report: Report) -> None:
    """What stands behind a shut gate gets its points."""
    for test in report["questions"][0]["tests"]:
        test["points"] = test["max_points"] if test["verdict"] == "passed" else 0.0


def unfitting_grids(report: Report) -> None:
    """A counterexample of vectors that are cut like matrices."""
    failed = next(test for question in report["questions"] for test in question["tests"] if test["verdict"] != "passed")
    grid = {"shape": [2], "start": [0, 0], "rows": ["1 2"]}
    beside = {"expected": grid, "got": grid, "wrong": ["1"], "count": 1}
    failed["counterexample"] = {"call": "f()", "expected": "1", "got": "2", "difference": beside}


def first_test(report: Report) -> Report:
    found: Report = report["questions"][0]["tests"][0]
    return found


TAMPERED: list[tuple[Callable[[Report], object], str]] = [
    (award, "do not follow"),
    (more_points, "do not follow"),
    (other_total, "do not follow"),
    (other_test, "does not hold the tests"),
    (no_test, "does not hold the tests"),
    (open_gate, "do not follow"),
    (lambda r: r["questions"].pop(0), "does not hold the tests"),
    (lambda r: r.update(verdict="passed"), "calls itself passed"),
    (lambda r: r.update(verdict="grader_error"), "the grader failed"),
    (lambda r: r.update(student="ada"), "is that of 'ada'"),
    (lambda r: r.update(schema=2), "has schema 2"),
    (lambda r: r.update(score="5"), "is no report"),
    (lambda r: r.update(score=1e999), "is no report"),
    (lambda r: r["provenance"].update(submission_sha256="0" * 64), "another notebook"),
    (lambda r: r["provenance"].update(tests_sha256="0" * 64), "other hidden tests"),
    (lambda r: r["provenance"].update(reference_sha256="0" * 64), "another reference"),
    (lambda r: r["provenance"].update(seconds=1e308), "not between 0 and 1000000 seconds"),
    (lambda r: first_test(r).update(seconds=1e308), "not between 0 and 1000000 seconds"),
    (lambda r: first_test(r).update(seconds=-1.0), "not between 0 and 1000000 seconds"),
    (lambda r: r["provenance"].update(started="yesterday"), "made 'yesterday'"),
    (lambda r: r["provenance"].update(started="0001-01-01T00:00:00+14:00"), "no time of these years"),
    (lambda r: r["provenance"].update(started="2100-06-01T00:00:00Z"), "no time of these years"),
    (unfitting_grids, "cannot be shown"),
]


@pytest.mark.parametrize(("tamper", "why"), TAMPERED)
def test_a_report_that_does_not_follow_from_what_is_here_is_refused(
    course: Course, tamper: Callable[[Report], object], why: str
) -> None:
    path = result_file(course, "bob")
    report: Report = json.loads(path.read_bytes())
    tamper(report)
    path.write_text(json.dumps(report), encoding="utf-8")
    names, problems = recorded(course)
    assert names == ["ada"]
    assert why in problems["bob"]
    assert not (course.results / TOPIC / "bob.json").exists()
    assert [student for student, _, _ in scores(f"sqlite:///{course.root}/gradebook.db")] == ["ada"]


def test_what_is_no_file_of_a_report_is_refused_and_others_are_left_alone(course: Course) -> None:
    bob, ada = result_file(course, "bob"), result_file(course, "ada")
    other = bob.with_name("mallory.json")
    bob.rename(other)
    bob.symlink_to(other)
    ada.write_bytes(b"[" * 100_000)
    names, problems = recorded(course)
    assert names == []
    assert problems["bob"] == "there is no result of it"
    assert "is no report" in problems["ada"]
    assert not (course.results / TOPIC / "mallory.json").exists()


def test_one_file_of_all_results_is_read_as_well(course: Course) -> None:
    file = course.root / "all.json"
    done = record_class(course, TOPIC, course.submitted, file)
    assert ([report.student for report in done.reports], done.problems) == (["ada", "bob"], {})
    reports = json.loads(file.read_bytes())
    reports[1]["verdict"] = "grader_error"
    file.write_text(json.dumps(reports[1:]), encoding="utf-8")
    problems = record_class(course, TOPIC, course.submitted, file).problems
    assert problems == {"ada": "there is no result of it", "bob": "the grader failed on it; see its log"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "holds no results"),
        ("[" * 100_000, "holds no results"),
        ('[{"student": 1}]', "holds no results"),
        ('[{"student": "a"}, {"student": "a"}]', "two results of one student"),
        (json.dumps([{"student": "a", "x": "y" * (5 << 20)}]), "more than 4 MiB"),
    ],
    ids=["object", "deep", "no name", "twice", "large"],
)
def test_a_file_that_no_grading_writes_is_refused(course: Course, text: str, why: str) -> None:
    file = course.root / "all.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=why):
        record_class(course, TOPIC, course.submitted, file)


def test_a_file_that_would_fill_the_memory_is_refused(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    file = course.root / "all.json"
    monkeypatch.setattr("autograder.recording.RESULTS_BYTES", file.stat().st_size - 1)
    with pytest.raises(UsageError, match=r"more than \d+ bytes, which no grading writes"):
        record_class(course, TOPIC, course.submitted, file)


def test_the_command_ends_with_one_and_names_who_has_no_grade(course: Course) -> None:
    bob = result_file(course, "bob")
    failed = bob.parent / "errors" / "bob.json"
    failed.parent.mkdir()
    failed.write_bytes(bob.read_bytes().replace(b'"verdict": "failed"', b'"verdict": "grader_error"'))
    bob.unlink()
    done = runner(course.root)("record", TOPIC, "--results", "graded", code=1)
    assert "1 grade recorded" in done.stdout
    assert "bob: the grader failed on it; see its log" in done.stderr
    assert "it works on the gradebook" in runner(course.root)("record", TOPIC, "--db", "none", code=2).stderr


def test_up_to_date_results_enter_the_gradebook_without_grading(course: Course) -> None:
    done = runner(course.root)("grade", TOPIC, "--results", "graded")
    assert "2 of 2 submissions are up to date" in done.stderr
    assert len(scores(f"sqlite:///{course.root}/gradebook.db")) == 2


def test_a_teams_grade_is_every_members_and_a_strangers_stays_out(course: Course) -> None:
    (course.root / "roster.csv").write_text("student,team\nada,red\ncyd,red\n", encoding="utf-8")
    names, problems = recorded(course)
    assert (names, problems) == (["ada", "cyd", "bob"], {})
    assert [student for student, _, _ in scores(f"sqlite:///{course.root}/gradebook.db")] == ["ada", "cyd"]
    for student in ("ada", "bob", "cyd"):
        assert (course.root / "feedback" / student / f"{TOPIC}.html").is_file()
        assert (course.results / TOPIC / f"{student}.json").is_file()
    assert record_class(course, TOPIC, course.submitted, course.root / "graded").strangers == ("bob",)
    hand_in(course.root, "red", right(course.root))
    assert list(recorded(course)[1]) == ["red"]


def test_the_history_tells_what_was_recorded_once_and_what_changed(course: Course) -> None:
    shutil.rmtree(course.state / "history")  # of the other machine
    old = json.loads(result_file(course, "bob").read_bytes())
    old["provenance"]["tests_sha256"] = "0" * 64
    path = course.results / TOPIC / "bob.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(old), encoding="utf-8")
    recorded(course)
    recorded(course)
    assert [event.kind for event in events(course, TOPIC, "ada")] == ["graded"]
    assert [(event.kind, event.why) for event in events(course, TOPIC, "bob")] == [("regraded", "tests changed")]


def test_pages_tell_as_much_as_the_level_allows(course: Course) -> None:
    page = course.root / "feedback" / "bob" / f"{TOPIC}.html"
    record_class(course, TOPIC, course.submitted, course.root / "graded", level="full")
    full = page.read_text(encoding="utf-8")
    runner(course.root)("record", TOPIC, "--results", "graded", "--feedback", "category")
    assert len(page.read_text(encoding="utf-8")) < len(full)


# ------------------------------------------------------------------------------------ the table


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_nothing_in_a_cell_is_markup(text: str) -> None:
    shown = cell(text)
    assert not set(shown) & set("<>[]()|`*_\n\r:@/.\\\"'!$~")
    row = summary("a", [hostile(text)]).splitlines()[4]
    assert row.count("|") == 6


def test_the_table_has_a_row_for_each_and_an_end() -> None:
    reports = [all_passed(), grader_failed()]
    lines = summary(TOPIC, reports, {"eve": "there is no result of it"}).splitlines()
    assert lines[0] == "### halving: 3 submissions"
    assert lines[4] == "| grace | 5 | 5 | passed |  |"
    assert lines[5].startswith("| unlucky |  |  | grader_error | RuntimeError&#58;")
    assert lines[6] == "| eve | | | not recorded | there is no result of it |"
    many = summary(TOPIC, [all_passed()] * (ROWS + 1))
    assert many.count("grace") == ROWS
    assert "and 1 more" in many
    assert len(os.fsencode(many)) < 1 << 20
