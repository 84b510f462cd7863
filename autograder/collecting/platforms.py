"""The zip files of all submissions that Moodle and Canvas offer for download.

The platform writes the beginning of each name, with the student in it; only what follows is the student's. No time in
them can be relied on: a zip file's times have no zone, and platforms put the time of packing there, or of the upload.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from autograder.collecting.archive import Entry, entries
from autograder.collecting.people import People
from autograder.collecting.taking import Arrived, Delivery, HandedIn
from autograder.errors import NotCollected
from autograder.text import clean

# A folder for each student, or all files in one. Moodle makes underscores in names blanks.
_MOODLE = re.compile(
    r"(?P<who>(?P<name>[^_/]+)_(?P<number>\d+))_assign[a-z]+_(?P<kind>[a-z]+)_/?(?P<file>.+)", re.DOTALL
)
# `lovelaceada_LATE_12345_67890_attention-1.ipynb`: name, number of the student, number of the submission.
_CANVAS = re.compile(r"(?P<who>(?P<name>[^_/]+)(?P<late>_LATE)?_(?P<number>\d+))_\d+_(?P<file>[^/]+)", re.DOTALL)

_LATE = "handed in late, and Canvas does not say when: name the time in --timestamps, or it counts as in time"


def moodle(archive: Path, people: People, take: Callable[[Arrived], None]) -> None:
    """Hand what is in Moodle's ``archive`` to ``take``, while it is open."""
    _read(archive, _MOODLE, lambda found: people.by_full_name(found["name"]), take)


def canvas(archive: Path, people: People, take: Callable[[Arrived], None]) -> None:
    """Hand what is in Canvas' ``archive`` to ``take``, while it is open."""
    _read(archive, _CANVAS, lambda found: people.by_number(found["number"], found["name"]), take)


def _read(
    archive: Path,
    pattern: re.Pattern[str],
    identify: Callable[[re.Match[str]], str],
    take: Callable[[Arrived], None],
) -> None:
    with entries(archive) as listed:
        take(_sorted_out(listed, pattern, identify))


def _sorted_out(listed: Iterable[Entry], pattern: re.Pattern[str], identify: Callable[[re.Match[str]], str]) -> Arrived:
    """Each student's files, where it is sure whose they are."""
    problems: dict[str, str] = {}
    files: dict[tuple[str, str], list[HandedIn]] = {}  # by student, and by what the platform calls them
    late: set[str] = set()
    for entry in listed:
        found = pattern.fullmatch(entry.path)
        if found is None:
            problems[clean(entry.path, 120)] = entry.problem or "has no name that the platform gives"
            continue
        parts = found.groupdict()
        if parts.get("kind", "file") != "file":
            continue  # what was typed into a form, and comments
        try:
            student = identify(found)
        except NotCollected as error:
            problems[clean(found["who"], 120)] = str(error)
            continue
        if parts.get("late"):
            late.add(student)
        files.setdefault((student, found["number"]), []).append(HandedIn(found["file"], entry.read))
    deliveries = _one_each(files, late, problems)
    return Arrived(deliveries, problems)


def _one_each(
    files: dict[tuple[str, str], list[HandedIn]], late: set[str], problems: dict[str, str]
) -> Sequence[Delivery]:
    """A delivery of each student; two participants of one name are nobody's."""
    numbers: dict[str, list[str]] = {}
    for student, number in files:
        numbers.setdefault(student, []).append(number)
    deliveries = []
    for student, known_as in numbers.items():
        if len(known_as) > 1:
            names = " and ".join(known_as)
            problems[student] = f"the zip file has several people of this name, {names}; put the right one in by hand"
            continue
        notes = [_LATE] if student in late else []
        deliveries.append(Delivery(student, files[student, known_as[0]], notes=notes))
    return deliveries
