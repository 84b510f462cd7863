"""The bytes of collected notebooks, put where submissions lie, with the time that lateness is counted by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from autograder.errors import NotCollected
from autograder.files import write_whole, writing

STAMP = "%Y-%m-%d %H:%M:%S UTC"  # nbgrader's


def place(
    submitted: Path,
    topic: str,
    student: str,
    notebooks: Mapping[str, bytes],
    handed_in: datetime | None,
    *,
    sure: bool = False,
) -> bool:
    """Write ``submitted/<student>/<topic>/<name>.ipynb`` for each and their ``timestamp.txt``; whether any is new.

    The same bytes as there are leave both untouched, and so the time when they first came; a time that is ``sure``,
    the platform's own, is written all the same. Without a time, a new notebook has none, and counts as in time.
    One of several that is not handed in this time stays as it was.
    """
    folder = submitted / student / topic
    files = {folder / f"{name}.ipynb": data for name, data in notebooks.items()}
    fresh = [
        path for path, data in files.items() if not path.is_file() or path.is_symlink() or path.read_bytes() != data
    ]
    stamp = folder / "timestamp.txt"
    # The time first: cut off in between, a new notebook would keep the time of an earlier one.
    if handed_in is not None and (fresh or sure):
        write_whole(stamp, f"{handed_in.astimezone(UTC).strftime(STAMP)}\n".encode("ascii"))
    elif fresh:
        with writing(stamp):
            stamp.unlink(missing_ok=True)
    for path in fresh:
        write_whole(path, files[path])
    return bool(fresh)


def still_there(submitted: Path, topic: str, student: str, absent: Iterable[str]) -> str:
    """What to add to the note on notebooks that are ``absent`` from what was handed in."""
    folder = submitted / student / topic
    earlier = [f"{name}.ipynb" for name in sorted(absent) if (folder / f"{name}.ipynb").is_file()]
    return f"; {' and '.join(earlier)} as collected before stays" if earlier else ""


def each_by_name(names: Sequence[str], read: Callable[[str], bytes]) -> tuple[dict[str, bytes], str]:
    """Each notebook that ``read`` gives, and why it does not give the others.

    Raises ``NotCollected`` where it gives none, or where its place could not be reached.
    """
    found, problems = dict[str, bytes](), list[str]()
    for name in names:
        try:
            found[name] = read(name)
        except NotCollected as error:
            if not error.answered:
                raise
            problems.append(str(error))
    if not found:
        raise NotCollected("; ".join(problems), answered=True)
    return found, "; ".join(problems)
