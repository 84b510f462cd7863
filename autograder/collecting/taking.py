"""What students handed in on a platform, to where submissions lie: each one's notebooks, no one's trouble another's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from autograder.collecting.placing import each_by_name, place, still_there
from autograder.errors import NotCollected
from autograder.text import clean
from autograder.words import some

# What Jupyter and macOS put beside a file without being asked.
_BESIDE = {".ipynb_checkpoints", "__MACOSX"}
_NUMBERED = r"(-\d{1,3})?"  # Canvas tells the versions of a file apart


@dataclass(frozen=True)
class HandedIn:
    """A file; ``read`` gives its bytes up to a size, or raises ``NotCollected``."""

    path: str
    read: Callable[[int], bytes]

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.path.rpartition("/")[2]

    @property
    def is_notebook(self) -> bool:
        """Whether a student can have meant it as the notebook."""
        return self.name.lower().endswith(".ipynb") and _BESIDE.isdisjoint(self.path.split("/"))


@dataclass(frozen=True)
class Delivery:
    """All that one student handed in. ``when`` is ``None`` where the platform does not say."""

    student: str
    files: Sequence[HandedIn]
    when: datetime | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Arrived:
    """What a platform holds: deliveries, and what belongs to nobody for sure, with the reason."""

    deliveries: Sequence[Delivery]
    problems: Mapping[str, str]


@dataclass(frozen=True)
class Taken:
    """Whose notebook is new or as it was, what could not be taken, and what a person should know of the others."""

    new: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def take(
    arrived: Arrived,
    submitted: Path,
    topic: str,
    most_bytes: int,
    times: Mapping[str, datetime],
    notebooks: Sequence[str] = (),
) -> Taken:
    """Put each student's notebook below ``submitted``; ``times`` says when some handed in, before the platform does.

    ``notebooks`` names them all where the assignment has several: those that are there are taken.
    """
    taken = Taken(problems=dict(arrived.problems))
    for delivery in sorted(arrived.deliveries, key=lambda delivery: delivery.student):
        student = delivery.student
        when, notes = times.get(student, delivery.when), list(delivery.notes)
        try:
            if notebooks:
                data, note = several(delivery.files, notebooks, most_bytes)
                note += still_there(submitted, topic, student, set(notebooks) - data.keys())
            else:
                notebook, note = the_notebook(delivery.files, topic)
                data = {topic: notebook.read(most_bytes)}
            fresh = place(submitted, topic, student, data, when, sure=True)
        except NotCollected as error:
            taken.problems[student] = str(error)
            continue
        (taken.new if fresh else taken.unchanged).append(student)
        notes += [note] if note else []
        if notes:
            taken.notes[student] = "; ".join(notes)
    return taken


def several(files: Iterable[HandedIn], names: Sequence[str], most_bytes: int) -> tuple[dict[str, bytes], str]:
    """The notebooks called ``names`` among a student's files, and what to tell of those that are not there.

    Raises ``NotCollected`` where none of them can be taken.
    """
    notebooks = [file for file in files if file.is_notebook]

    def read(name: str) -> bytes:
        named = _named(notebooks, name)
        if len(named) > 1:
            raise _too_many(named)
        if not named:
            raise NotCollected(f"handed in no {name}.ipynb", answered=True)
        return named[0].read(most_bytes)

    return each_by_name(names, read)


def the_notebook(files: Iterable[HandedIn], topic: str) -> tuple[HandedIn, str]:
    """The notebook of ``topic`` among a student's files, and what to tell of the choice.

    The one with the assignment's name, else the only one; raises ``NotCollected`` where that leaves a choice.
    """
    notebooks = [file for file in files if file.is_notebook]
    named = _named(notebooks, topic)
    found = named or notebooks
    if not found:
        raise NotCollected("handed in no notebook; its name ends in .ipynb", answered=True)
    if len(found) > 1:
        raise _too_many(found)
    note = "" if named else f"took {clean(found[0].name, 80)!r}, the only notebook, for {topic}.ipynb"
    return found[0], note


def _named(notebooks: Iterable[HandedIn], name: str) -> list[HandedIn]:
    return [file for file in notebooks if re.fullmatch(rf"{re.escape(name)}{_NUMBERED}\.ipynb", file.name)]


def _too_many(found: Sequence[HandedIn]) -> NotCollected:
    names = some([clean(file.path, 80) for file in found])
    return NotCollected(f"handed in {len(found)} notebooks, {names}; ask which one counts", answered=True)
