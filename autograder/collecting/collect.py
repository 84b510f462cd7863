"""A whole class collected: every student by the same rule of time, and no one's trouble another's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autograder.collecting.closing import Closed
from autograder.collecting.git import Source, git_program, notebooks_of
from autograder.collecting.placing import place, still_there
from autograder.errors import NotCollected
from autograder.text import clean

AT_ONCE = 8  # repositories: each waits for its server most of the time


@dataclass(frozen=True)
class Collected:
    """Whose notebook is new, whose is as it was, and who has none, with the reason.

    ``notes``: what to know of those who lack one of several.
    """

    new: tuple[str, ...]
    unchanged: tuple[str, ...]
    problems: dict[str, str]
    notes: dict[str, str]


def collect(
    sources: Iterable[Source],
    submitted: Path,
    topic: str,
    most_bytes: int,
    until: datetime | None = None,
    advance: Callable[[], None] = lambda: None,
    *,
    notebooks: Sequence[str] = (),
) -> Collected:
    """Put each student's notebook below ``submitted``; ``notebooks`` names them all where there are several.

    A new notebook was handed in when it is found here; with ``until`` and after it, at ``until``. The first run after
    ``until`` decides: see ``closing``. The dates of commits only ever make a notebook older than ``until`` eligible.
    """
    git_program()
    now = datetime.now(UTC)
    past = until is not None and now >= until
    closed = Closed(submitted, topic)
    done = closed.students(until) if until is not None and past else set[str]()
    new, unchanged, problems, answered = list[str](), sorted(done), dict[str, str](), set[str]()
    notes = dict[str, str]()
    waiting = [source for source in sources if source.student not in done]
    for student, found in _fetched(waiting, topic, most_bytes, until, notebooks):
        if isinstance(found, NotCollected):
            problems[student] = str(found)
        else:
            data, note = found
            fresh = place(submitted, topic, student, data, min(now, until) if until else now)
            if note:
                notes[student] = note + still_there(submitted, topic, student, set(notebooks) - data.keys())
            (new if fresh else unchanged).append(student)
        if not isinstance(found, NotCollected) or found.answered:
            answered.add(student)
        advance()
    if until is not None and past:
        closed.add(until, answered)
    by_student = [dict(sorted(told.items())) for told in (problems, notes)]
    return Collected(tuple(sorted(new)), tuple(sorted(unchanged)), *by_student)


def _fetched(
    sources: Sequence[Source], topic: str, most_bytes: int, until: datetime | None, notebooks: Sequence[str]
) -> Iterator[tuple[str, tuple[dict[str, bytes], str] | NotCollected]]:
    """Each student's notebook, or why there is none, as they come."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wanted = (topic, most_bytes, until, notebooks)
        futures = {pool.submit(notebooks_of, source, *wanted): source.student for source in sources}
        try:
            for future in as_completed(futures):
                try:
                    yield futures[future], future.result()
                except NotCollected as error:
                    yield futures[future], error
                except Exception as error:  # noqa: BLE001 - whatever a repository brings about, it stops nobody else
                    yield futures[future], NotCollected(clean(f"{type(error).__name__}: {error}", 300))
        finally:
            pool.shutdown(cancel_futures=True)  # where the loop is left early, those not begun are left out
