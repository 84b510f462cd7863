"""Whose a submission is, by the names and numbers that platforms write: one person of the roster, or nobody."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from autograder.errors import NotCollected
from autograder.roster import Person, Roster


class People:
    """The people of a roster by name and by the platform's number. Nobody is guessed."""

    def __init__(self, roster: Roster) -> None:
        self._spoken = _by_key(roster.values(), _spoken_names)
        self._run_together = _by_key(roster.values(), lambda person: {_letters(person.last_name + person.first_name)})
        self._numbers = {person.lms_id: person.student for person in roster.values() if person.lms_id}

    def by_full_name(self, name: str) -> str:
        """The student called ``name``, first name first or last; raises ``NotCollected`` for none and for several."""
        return _the_one(self._spoken.get(spoken(name), set()))

    def by_number(self, number: str, name: str) -> str:
        """The student whose ``lms_id`` is ``number``; without one in the roster, whose name run together is ``name``.

        Raises ``NotCollected`` for none, for several, and where number and name are those of two people.
        """
        named = self._run_together.get(_letters(name), set())
        numbered = self._numbers.get(number)
        if numbered is None:
            # Whoever has another number in the roster is someone else of the same name.
            return _the_one(named - set(self._numbers.values()))
        if len(named) == 1 and numbered not in named:
            raise NotCollected(f"the number {number} is that of {numbered}, the name that of {next(iter(named))}")
        return numbered


def spoken(name: str) -> str:
    """A full name without capitals and without what Moodle takes out of names of files."""
    plain = unicodedata.normalize("NFKC", name).casefold().replace("_", " ")
    return " ".join(re.sub(r"[&<>\"`|':\\/]", "", plain).split())


def _spoken_names(person: Person) -> set[str]:
    parts = (person.first_name, person.last_name)
    return {spoken(" ".join(parts)), spoken(" ".join(reversed(parts)))}


def _letters(name: str) -> str:
    """A name as Canvas runs it together: letters and digits alone."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))


def _by_key(people: Iterable[Person], keys: Callable[[Person], set[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for person in people:
        for key in keys(person) - {""}:
            found.setdefault(key, set()).add(person.student)
    return found


def _the_one(students: set[str]) -> str:
    if len(students) > 1:
        raise NotCollected(f"could be any of {', '.join(sorted(students))}; rename it to tell them apart")
    if not students:
        raise NotCollected("is nobody of roster.csv; add name or lms_id there as the platform writes them")
    return next(iter(students))
