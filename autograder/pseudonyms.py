"""Names that stand for students where a table is passed on."""

from __future__ import annotations

from autograder.seed import Seed


def pseudonym(seed: Seed, student: str) -> str:
    """A name for ``student`` that only who holds ``seed`` can connect with the student.

    The same as long as the seed is in use: a fresh one gives fresh pseudonyms.
    """
    return f"s{seed.derive('pseudonym', student):016x}"
