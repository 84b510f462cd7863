"""What happened to each student's grade: attempts, regrades, extensions, notes. Lines are added, never changed.

``.autograder/history/TOPIC.jsonl`` holds an event a line. Each is written with one call of the system as it happens, so
a run that is killed loses none that it told of; a line that a full disk cut short is passed over.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from autograder.course import Course
from autograder.errors import UsageError
from autograder.files import writing
from autograder.model import GradeReport, Record, Verdict
from autograder.roster import course_roster
from autograder.text import clean, inert_json
from autograder.words import moment, plural, points, some


class Event(Record, frozen=True, kw_only=True):
    """``why`` is the reason of a regrade or an extension, or a note; ``submission`` begins the notebook's digest."""

    when: str
    student: str
    kind: Literal["graded", "regraded", "failed", "extended", "note"]
    before: float | None = None
    score: float | None = None
    max_score: float | None = None
    why: str = ""
    submission: str = ""

    def told(self) -> str:
        """The event on one line, for a person."""
        return f"{moment(self.when)}  {self._what()}"

    def _what(self) -> str:
        why = f" ({clean(self.why)})" if self.why else ""
        if self.kind == "failed":
            return f"not graded, our fault{why}"
        if self.kind == "extended":
            return f"extension{why}"
        if self.kind == "note":
            return f"note: {clean(self.why)}"
        before = f"{points(self.before)} -> " if self.kind == "regraded" else ""
        return f"{self.kind}: {before}{points(self.score)} of {plural(self.max_score or 0.0, 'point')}{why}"


def of_grading(report: GradeReport, previous: GradeReport | None, changed: Sequence[str]) -> Event:
    """The event that ``report`` is; ``changed`` names what differs from when ``previous`` was made."""
    failed = report.verdict is Verdict.GRADER_ERROR
    if failed:
        why = report.message.splitlines()[-1] if report.message else ""
    elif previous is None:
        why = ""
    else:
        why = f"{some(changed)} changed" if changed else "forced"
    return Event(
        when=now(),
        student=report.student,
        kind="failed" if failed else "graded" if previous is None else "regraded",
        before=previous.score if previous is not None else None,
        score=None if failed else report.score,
        max_score=None if failed else report.max_score,
        why=clean(why, 300),
        submission=report.provenance.submission_sha256[:12],
    )


def now() -> str:
    """The time of an event that happens now."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def record(course: Course, topic: str, event: Event) -> None:
    """Add an event. Raises ``UsageError`` where that cannot be written."""
    path = _path(course, topic)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, b"\n" * torn + inert_json(msgspec.json.encode(event)) + b"\n")
        finally:
            os.close(descriptor)


def events(course: Course, topic: str, student: str) -> list[Event]:
    """What happened, the oldest first. A grade told twice, by a run that was cut off and the next one, is told once."""
    told: list[Event] = []
    for event in _read(_path(course, topic)):
        if event.student == student and not (told and _same_grade(told[-1], event)):
            told.append(event)
    return told


def _same_grade(one: Event, other: Event) -> bool:
    if other.kind == "note" or other.why == "forced":
        return False
    return msgspec.structs.replace(one, when="") == msgspec.structs.replace(other, when="")


def _read(path: Path) -> Iterator[Event]:
    decoder = msgspec.json.Decoder(Event)
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError:
            continue


def _path(course: Course, topic: str) -> Path:
    return course.state / "history" / f"{topic}.jsonl"


def require_known(course: Course, student: str, entered: Collection[str] = ()) -> None:
    """Refuse a student of whom nothing is known, who is most likely misspelt: with near misses.

    ``entered`` are the gradebook's students: they count where no roster says who takes the course.
    """
    roster = course_roster(course)
    known = {path.stem for path in course.results.glob("*/*.json")}
    known |= {event.student for path in course.state.glob("history/*.jsonl") for event in _read(path)}
    if roster is not None:
        known |= set(roster)
    else:
        known |= {path.name for path in course.submitted.glob("*") if path.is_dir()} | set(entered)
    if student not in known:
        near = difflib.get_close_matches(student, sorted(known), n=1)
        way_out = f"did you mean {clean(near[0])!r}?" if near else "a roster.csv says who takes the course"
        raise UsageError(f"no student {clean(student)!r} in this course; {way_out}")
