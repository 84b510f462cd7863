"""Names for students in a report that leaves the course: the same each time, and nobody's without the course's secret."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from autograder.seed import Seed

_BYTES = 7  # two of 10 000 students share a name once in a billion classes
_LETTERS = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghjkmnpqrstvwxyz")  # none alike


def pseudonyms(state: Path) -> Callable[[str], str]:
    """Gives a student's id its pseudonym, such as ``9kq2m-x0vta4``.

    The secret is one of its own, in ``state/pseudonyms/``: drawing a fresh seed for a final regrade changes no name,
    and a seed that is told after the course undoes none.
    """
    secret = Seed.of_course(state / "pseudonyms")

    def named(student: str) -> str:
        number = secret.derive("pseudonym", student) % (1 << 8 * _BYTES)
        text = base64.b32encode(number.to_bytes(_BYTES)).decode().rstrip("=").lower().translate(_LETTERS)
        return f"{text[:5]}-{text[5:]}"

    return named
