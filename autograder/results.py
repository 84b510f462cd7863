"""Submissions on disk and result files: found, read, written; one grading run at a time."""

from __future__ import annotations

import contextlib
import fcntl
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from autograder.course import Course
from autograder.errors import UsageError
from autograder.files import write_whole, writing
from autograder.model import GradeReport, Submission, Verdict


def find_submissions(folder: Path, topic: str, only: tuple[str, ...] = ()) -> tuple[list[Submission], list[str]]:
    """The submissions of ``topic`` as nbgrader lays them out, and folder names that are no student ids.

    ``folder/<student>/<topic>/<topic>.ipynb``; a student whose topic folder lacks the notebook is
    listed all the same, and gets ``invalid_submission``. ``only`` names the students to keep.
    """
    if not folder.is_dir():
        wanted = folder / "STUDENT" / topic / f"{topic}.ipynb"
        raise UsageError(f"no submissions: {folder} is not a folder; they lie at {wanted}")
    names = sorted(entry.name for entry in folder.iterdir() if _handed_in(entry, topic))
    strange = [name for name in names if not is_student_id(name)]
    found = [
        Submission(student=name, assignment=topic, path=folder / name / topic / f"{topic}.ipynb")
        for name in names
        if is_student_id(name) and (not only or name in only)
    ]
    require_submitted(folder, topic, set(only) - {submission.student for submission in found})
    return found, [name.encode("unicode_escape").decode() for name in strange]


def require_submitted(folder: Path, topic: str, absent: Collection[str]) -> None:
    """Refuse students who were named and are ``absent``."""
    if absent:
        raise UsageError(f"no submission of {topic!r} by {', '.join(map(repr, sorted(absent)))} in {folder}")


def _handed_in(entry: Path, topic: str) -> bool:
    """Whether a student's folder holds ``topic``; one that may not be entered counts, so that it is told of."""
    try:
        return (entry / topic).is_dir()
    except PermissionError:
        return True


def read_bytes(path: Path, most: int) -> bytes:
    """The bytes of a submitted file; empty where there is none to read, it is no file or it has more than ``most``.

    Nothing is read through a link, be it the file's or its folders': it would show another student's work.
    """
    try:
        if any(part.is_symlink() for part in (path, path.parent, path.parent.parent)):
            return b""
        return path.read_bytes() if path.is_file() and path.stat().st_size <= most else b""
    except PermissionError:
        return b""


def submitted_bytes(submission: Submission) -> bytes:
    """The submission's bytes for its digest; none where it is no ordinary file."""
    with contextlib.suppress(OSError):
        if submission.path.is_file() and not submission.path.is_symlink():
            return submission.path.read_bytes()
    return b""


def is_student_id(name: str) -> bool:
    """Whether a folder name can be a student's id: visible characters, at most 120 bytes, no leading dot or dash."""
    if not 0 < len(name.encode(errors="surrogatepass")) <= 120 or name[0] in ".-" or "/" in name:
        return False
    return all(char == " " or unicodedata.category(char)[0] in "LNPSM" for char in name)


def result_path(results: Path, topic: str, student: str) -> Path:
    """``results/<topic>/<student>.json``."""
    return results / topic / f"{student}.json"


def read_report(path: Path) -> GradeReport | None:
    """The report at ``path``; ``None`` where there is none or it is no report of this version."""
    try:
        return GradeReport.from_json(path.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_report(results: Path, report: GradeReport) -> Path:
    """Write a report where it belongs; a ``grader_error`` goes to ``errors/`` and leaves an earlier grade alone."""
    path = result_path(results, report.assignment, report.student)
    if report.verdict is Verdict.GRADER_ERROR:
        path = path.parent / "errors" / path.name
    else:
        (path.parent / "errors" / path.name).unlink(missing_ok=True)
    write_whole(path, report.to_json())
    return path


@contextlib.contextmanager
def course_lock(course: Course) -> Iterator[None]:
    """Keep other grading runs off this course; refuses where one is under way."""
    path = course.state / "lock"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="ascii")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"another grading run is at work on {course.root}; wait for it to end") from error
        yield
