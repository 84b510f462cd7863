"""What Gradescope's container runs: ``/autograder/submission`` in, ``/autograder/results/results.json`` out, always.

The container is the grader's: this process is root, reads the course and writes the results. A notebook runs in the
sandbox, in a container without privileges that of Landlock, and reaches none of ``/autograder``.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from autograder.course import Course
from autograder.disclosure import line
from autograder.errors import AutograderError, InvalidSubmission
from autograder.exports.gradescope import failed_json, results_json
from autograder.files import write_whole
from autograder.model import GradeReport, Submission, Verdict
from autograder.runner import Grader
from autograder.streams import guard
from autograder.submissions import NOTEBOOK_LIKE, gathered, read_notebook
from autograder.text import clean
from autograder.words import some

ENTRIES = 10_000  # of an upload that are looked at
LOG = 4000  # characters of one thing in the log
_NOT_HANDED_IN = {"__MACOSX", ".ipynb_checkpoints", ".git"}


class Ticket(msgspec.Struct, frozen=True):
    """``bundle.json``: which assignment of the course beside it is graded."""

    topic: str


class _User(msgspec.Struct):
    email: str = ""


class _Metadata(msgspec.Struct):
    users: list[_User] = []


def main(arguments: Sequence[str]) -> int:
    """Grade what lies below the folder that is the only argument; 1 where the grader failed."""
    root = Path(arguments[0])
    data = failed_json()
    try:
        with _grader(root) as grader:
            data = graded(root, grader)
    except AutograderError as error:
        print(f"the grader failed: {clean(str(error), LOG)}")
    except Exception:  # noqa: BLE001 - whatever it is, a file of results must be written
        print(f"the grader failed: {clean(traceback.format_exc(), LOG)}")
    write_whole(root / "results" / "results.json", data, 0o644)
    return int(data == failed_json())


def _grader(root: Path) -> Grader:
    source = root / "source"
    source.chmod(0o700)
    topic = msgspec.json.decode((source / "bundle.json").read_bytes(), type=Ticket).topic
    return Grader(Course(source / "course"), topic)


def graded(root: Path, grader: Grader) -> bytes:
    """``results.json`` for the submission below ``root``; prints a summary, which instructors alone see."""
    topic, limits = grader.assignment.topic, grader.assignment.front.limits
    folder, several = root / "submission", grader.assignment.several
    who = label(root / "submission_metadata.json")
    submission = Submission(student=who, assignment=topic, path=folder / f"{topic}.ipynb", notebooks=several)
    grader.wait_ready()

    def read(name: str) -> bytes:
        return read_notebook(find_notebook(folder, f"{name}.ipynb", several), limits)

    report = grader.grade(submission, lambda: gathered(several, read) if several else read(topic))
    for said in _log(report):
        print(said)
    return results_json(report, grader.assignment.front.feedback)


def label(metadata: Path) -> str:
    """Who handed in, as the platform says, never the notebook; a name for the log that decides nothing."""
    try:
        users = msgspec.json.decode(metadata.read_bytes(), type=_Metadata).users
    except (OSError, msgspec.DecodeError):
        users = []
    return some([line(user.email) for user in users if user.email]) or "somebody"


def find_notebook(folder: Path, name: str, names: Sequence[str] = ()) -> Path:
    """The one file of the upload that is called ``name``, in a folder of its own or not; no link is followed.

    ``names`` are those of all notebooks where there are several. Raises ``InvalidSubmission``, which tells the student
    what to do, where there is none or more than one.
    """
    notebooks = [path for path in _entries(folder) if NOTEBOOK_LIKE.search(path.name)]
    found = [path for path in notebooks if path.name == name]
    notebooks = [path for path in notebooks if path.name not in {f"{other}.ipynb" for other in names}]
    if len(found) == 1:
        return found[0]
    shown = some([clean(str(path.relative_to(folder)), 80) for path in found or notebooks])
    if found:
        raise InvalidSubmission(f"{len(found)} files are called {name}: {shown}; hand in only the one to be graded")
    advice = {0: "", 1: f"; rename {shown} and hand it in again"}
    several = f"; of {shown}, give one that name and hand it in again"
    raise InvalidSubmission(f"no notebook was handed in: {name} is not there{advice.get(len(notebooks), several)}")


def _entries(folder: Path) -> Iterator[Path]:
    left = ENTRIES
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - _NOT_HANDED_IN)
        for entry in (*folders, *sorted(files)):
            left -= 1
            if left < 0:
                raise InvalidSubmission(f"more than {ENTRIES} files were handed in; hand in the notebook alone")
            yield Path(place, entry)


def _log(report: GradeReport) -> Iterator[str]:
    yield f"{report.student}: {report.score:g} of {report.max_score:g}, {report.verdict}"
    if report.message:
        yield clean(report.message, LOG)
    if report.verdict is Verdict.GRADER_ERROR:
        yield from (clean(f"{t.name}: {t.message}") for q in report.questions for t in q.tests if t.message)
    yield from (clean(f"to look at: {flag.kind}: {flag.detail}") for flag in report.flags)


if __name__ == "__main__":
    guard()
    sys.exit(main(sys.argv[1:]))
