"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

from autograder.errors import UsageError
from autograder.text import clean

_DATE = len("2026-12-01")  # a date alone could mean its first or its last minute


def read_time(text: str, what: str) -> datetime:
    """The time with a zone that ``text`` says, by ISO 8601 or as nbgrader writes it: ``2026-12-01 22:59 UTC``.

    Raises ``UsageError``, which begins with ``what``, for one that could mean two.
    """
    written = text.strip()
    try:
        found = datetime.fromisoformat(written.removesuffix(" UTC"))
    except ValueError:
        found = None
    if found is None or len(written.removesuffix(" UTC")) <= _DATE:
        raise UsageError(f"{what} {clean(text, 60)!r} is no time; write it as 2026-12-01T23:59+01:00")
    if written.endswith(" UTC") and found.tzinfo is None:
        return found.replace(tzinfo=UTC)
    if found.tzinfo is None:
        shown = clean(written)  # any character may stand between date and time
        raise UsageError(f"{what} {shown}: in which time zone? Write it as {shown}+01:00, or {shown}Z for UTC")
    return found
