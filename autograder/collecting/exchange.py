"""Submissions in nbgrader's exchange, ``DIR/<course>/inbound/<student>+<topic>+<time>[+<random>]/``.

Students write there themselves, and choose name, time and content of such a folder; the file system alone knows who
they are. So a folder counts as its owner's, and nothing in it is followed to somewhere else.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from autograder.collecting.taking import Arrived, Delivery, HandedIn
from autograder.errors import NotCollected, UsageError
from autograder.submissions import is_student_id
from autograder.text import clean
from autograder.words import some

MOST_FILES = 1000  # in a student's folder
PUNCTUAL = timedelta(minutes=10)  # from the time in a folder's name to its last change: nbgrader takes seconds
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class _Folder:
    student: str
    when: datetime
    path: Path
    owner: int  # whose it was when it was looked at; only this user's files are read
    changed: datetime  # by the file system's clock, which no student can set


def exchange(
    folder: Path,
    topic: str,
    until: datetime | None = None,
    *,
    known: Collection[str] | None = None,
    check_owner: bool = True,
) -> Arrived:
    """The newest submission of each student, as of ``until``; only of those ``known``, where they are given."""
    problems: dict[str, str] = {}
    newest: dict[str, _Folder] = {}
    beyond: set[str] = set()
    for found in _folders(inbound(folder), topic, problems):
        if until is not None and found.when > until:
            beyond.add(found.student)
        elif known is not None and found.student not in known:
            problems[clean(found.path.name)] = "is nobody of roster.csv; add the student there"
        elif check_owner and (owner := _name(found.owner)) != found.student:
            problems[clean(found.path.name)] = _claim(found.student, owner)
        elif found.student not in newest or found.when > newest[found.student].when:
            newest[found.student] = found
    for student in beyond - set(newest):
        problems.setdefault(student, "has nothing handed in up to the time of --until")
    return Arrived([_delivery(found) for found in newest.values()], problems)


def inbound(folder: Path) -> Path:
    """Where submissions come in: ``folder`` is an exchange of one course, or a course's folder in one."""
    if (folder / "inbound").is_dir():
        return folder / "inbound"
    courses = sorted(path.parent.name for path in folder.glob("*/inbound")) if folder.is_dir() else []
    if len(courses) > 1:
        raise UsageError(f"{folder}: holds the courses {some(courses)}; name one: --exchange {folder / courses[0]}")
    if not courses:
        raise UsageError(f"{folder}: is no exchange of nbgrader; submissions lie in {folder / 'COURSE' / 'inbound'}")
    return folder / courses[0] / "inbound"


def _folders(place: Path, topic: str, problems: dict[str, str]) -> Iterator[_Folder]:
    # A zone east of Greenwich begins with the sign that stands between the parts.
    zone = r"\s?\+\d\d:?\d\d"
    pattern = re.compile(
        rf"(?P<student>.+)\+{re.escape(topic)}\+(?P<time>[^+]+?({zone})?)(\+[^+]*)?", re.DOTALL | re.ASCII
    )
    try:
        names = sorted(path.name for path in place.iterdir())
    except OSError as error:
        raise UsageError(f"{place}: cannot be read: {error.strerror}; run it as the user who collects") from error
    for name in names:
        found = pattern.fullmatch(name)
        if found is None:
            if f"+{topic}+" in name:
                problems[clean(name)] = "is no name that nbgrader gives: STUDENT+TOPIC+TIME, with +RANDOM or without"
            continue  # else another assignment's
        when, path = _moment(found["time"]), place / name
        if not is_student_id(found["student"]):
            problems[clean(name)] = "is of no student's id"
        elif when is None:
            problems[clean(name)] = "has a time that cannot be read; it is written as 2026-12-01 23:59:00 UTC"
        elif (state := _state(path)) is None or not stat.S_ISDIR(state.st_mode):
            problems[clean(name)] = "is no folder, or a link to one"
        else:
            changed = datetime.fromtimestamp(state.st_ctime, UTC)
            yield _Folder(found["student"], when, path, state.st_uid, changed)


def _state(path: Path) -> os.stat_result | None:
    """What the file system says of ``path``; nothing where it has gone, as its owner may wish at any time."""
    try:
        return path.lstat()
    except OSError:
        return None


def _moment(text: str) -> datetime | None:
    """A time as nbgrader writes it, with the zone it uses unless told otherwise, or as a difference from it."""
    try:
        found = datetime.fromisoformat(text.strip().removesuffix(" UTC").replace(" -", "-").replace(" +", "+"))
    except ValueError:
        return None
    with contextlib.suppress(OverflowError):  # next to the years 1 and 9999
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return None


def _name(number: int) -> str:
    """The name of a user; the number where there is none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"the user {number}"


def _claim(student: str, owner: str) -> str:
    return (
        f"claims to be submitted by {clean(student)} but is owned by {owner}; ask both, "
        "or say --any-owner where all students are one user of the system"
    )


def _delivery(found: _Folder) -> Delivery:
    files = [HandedIn(name, partial(_read, found.path / name, found.owner)) for name in _names(found.path)]
    notes, named = [], f"its folder's name says {found.when:%Y-%m-%d %H:%M:%S} UTC, which counts"
    with contextlib.suppress(NotCollected):
        said = _moment(_read(found.path / "timestamp.txt", found.owner, 200).decode("utf-8", "replace"))
        if said is not None and abs((said - found.when).total_seconds()) >= 1:
            notes.append(f"{named}, its timestamp.txt another")
    if found.changed - PUNCTUAL > found.when:
        notes.append(f"{named}, but it was made or changed on {found.changed:%Y-%m-%d %H:%M:%S} UTC; dated back?")
    return Delivery(found.student, files, found.when, notes)


def _names(folder: Path) -> Sequence[str]:
    try:
        with os.scandir(folder) as listed:
            return sorted(entry.name for entry, _ in zip(listed, range(MOST_FILES), strict=False))
    except OSError:
        return []


def _read(path: Path, owner: int, most: int) -> bytes:
    """The bytes of an ordinary file that is the folder's owner's own."""
    name = clean(path.name, 80)
    try:
        descriptor = os.open(path, _OPEN)
    except OSError as error:
        raise NotCollected(f"{name} cannot be read, or is a link: {error.strerror}", answered=True) from error
    with os.fdopen(descriptor, "rb") as file:
        kind = os.fstat(descriptor)
        if not stat.S_ISREG(kind.st_mode):
            raise NotCollected(f"{name} is no ordinary file", answered=True)
        if kind.st_uid != owner:
            raise NotCollected(f"{name} is another user's than its folder", answered=True)
        data = file.read(most + 1)
    if len(data) > most:
        text = f"{name} has {kind.st_size} bytes; a notebook of this assignment has at most {most}"
        raise NotCollected(text, answered=True)
    return data
