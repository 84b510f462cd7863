from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import UsageError
from autograder.model import Verdict
from autograder.results import course_lock, read_report, result_path, write_report
from autograder.submissions import find_submissions, is_student_id
from tests.toolkit.reports import question, record, report

ROOT = Path(__file__).parents[2]


def hand_in(folder: Path, student: str, topic: str = "attention") -> Path:
    path = folder / student / topic / f"{topic}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text("{}", encoding="utf-8")
    return path


def test_submissions_lie_as_nbgrader_lays_them_out(tmp_path: Path) -> None:
    paths = [hand_in(tmp_path, name) for name in ("ada", "Bob Lee", "émile")]
    hand_in(tmp_path, "other", "softmax")
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    found, strange = find_submissions(tmp_path, "attention")
    assert [submission.student for submission in found] == ["Bob Lee", "ada", "émile"]
    assert {submission.path for submission in found} == set(paths)
    assert strange == []


def test_a_student_without_a_notebook_is_listed_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "ada" / "attention").mkdir(parents=True)
    ((submission,), _) = find_submissions(tmp_path, "attention")
    assert (submission.student, submission.path.exists()) == ("ada", False)


def test_strange_folder_names_are_set_apart_and_shown_harmless(tmp_path: Path) -> None:
    hand_in(tmp_path, "ada")
    for name in ("x\x1b[31m", ".hidden", "-rf", "a\nb", "a\u202eb", "\udcff"):
        hand_in(tmp_path, name)
    found, strange = find_submissions(tmp_path, "attention")
    assert [submission.student for submission in found] == ["ada"]
    assert set(strange) == {r"x\x1b[31m", ".hidden", "-rf", r"a\nb", r"a\u202eb", r"\udcff"}


@pytest.mark.parametrize("name", ["ada", "o'neil", "a.b-c_d@e", "李雷", "Bob Lee", "x" * 120, "7"])
def test_student_ids(name: str) -> None:
    assert is_student_id(name)


@pytest.mark.parametrize("name", ["", ".", "..", "-x", "x" * 121, "a/b", "a\tb", "a\u2028b", "a\u200bb", "a\ue000"])
def test_no_student_ids(name: str) -> None:
    assert not is_student_id(name)


def test_some_students_alone(tmp_path: Path) -> None:
    for name in ("ada", "bob", "eve"):
        hand_in(tmp_path, name)
    found, _ = find_submissions(tmp_path, "attention", ("eve", "ada"))
    assert [submission.student for submission in found] == ["ada", "eve"]
    with pytest.raises(UsageError, match="no submission of 'attention' by 'x', 'y' in"):
        find_submissions(tmp_path, "attention", ("y", "ada", "x"))


def test_no_folder_says_where_submissions_lie(tmp_path: Path) -> None:
    message = "no submissions: .*nowhere is not a folder; they lie at .*nowhere/STUDENT/attention/attention.ipynb"
    with pytest.raises(UsageError, match=message):
        find_submissions(tmp_path / "nowhere", "attention")


def test_a_report_is_written_and_read(tmp_path: Path) -> None:
    one = report(question("q", record()))
    path = write_report(tmp_path, one)
    assert path == tmp_path / "attention" / "ada.json" == result_path(tmp_path, "attention", "ada")
    assert read_report(path) == one
    assert [entry.name for entry in path.parent.iterdir()] == ["ada.json"]


def test_what_is_no_report_is_none(tmp_path: Path) -> None:
    path = tmp_path / "ada.json"
    assert read_report(path) is None
    for data in (b"", b"{}", b"\xff", b"[]"):
        path.write_bytes(data)
        assert read_report(path) is None


def test_our_own_failure_leaves_the_earlier_grade_alone_and_goes_with_the_next(tmp_path: Path) -> None:
    good, ours = report(question("q", record())), report(verdict=Verdict.GRADER_ERROR, message="the disk is full")
    standing = write_report(tmp_path, good)
    error = write_report(tmp_path, ours)
    assert error == tmp_path / "attention" / "errors" / "ada.json"
    assert (read_report(standing), read_report(error)) == (good, ours)
    write_report(tmp_path, good)
    assert not error.exists()


def test_one_grading_run_at_a_time(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from autograder.course import Course
from autograder.errors import UsageError
from autograder.results import course_lock
try:
    with course_lock(Course(Path({str(tmp_path)!r}))):
        print("in")
except UsageError as error:
    print(error)
"""

    def other() -> str:
        command = [sys.executable, "-c", program]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=60).stdout

    with course_lock(Course(tmp_path)):
        assert other() == f"another grading run is at work on {tmp_path}; wait for it to end\n"
    assert other() == "in\n"
