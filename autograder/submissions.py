"""Submissions on disk: found as nbgrader lays them out, and read with care."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec

from autograder.errors import InvalidSubmission, UsageError
from autograder.model import Limits, Record, Submission
from autograder.text import clean

# Of several notebooks; the assignment's own limit is the session's to keep, so that bytes never depend on it.
MOST_BYTES = 256 << 20
NOTEBOOK_LIKE = re.compile(r"\.ipynb\b", re.IGNORECASE)  # also .ipynb.txt, as some browsers save it


def find_submissions(
    folder: Path, topic: str, only: tuple[str, ...] = (), notebooks: tuple[str, ...] = ()
) -> tuple[list[Submission], list[str]]:
    """The submissions of ``topic`` as nbgrader lays them out, and folder names that are no student ids.

    ``folder/<student>/<topic>/<topic>.ipynb``; a student whose topic folder lacks the notebook is
    listed all the same, and gets ``invalid_submission``. ``only`` names the students to keep, ``notebooks``
    those of the assignment where it has several (``Assignment.several``).
    """
    if not folder.is_dir():
        wanted = folder / "STUDENT" / topic / f"{topic}.ipynb"
        raise UsageError(f"no submissions: {folder} is not a folder; they lie at {wanted}")
    names = sorted(entry.name for entry in folder.iterdir() if _handed_in(entry, topic))
    strange = [name for name in names if not is_student_id(name)]
    found = [
        Submission(student=name, assignment=topic, path=folder / name / topic / f"{topic}.ipynb", notebooks=notebooks)
        for name in names
        if is_student_id(name) and (not only or name in only)
    ]
    require_submitted(folder, topic, set(only) - {submission.student for submission in found})
    return found, [name.encode("unicode_escape").decode() for name in strange]


def require_submitted(folder: Path, topic: str, absent: Collection[str]) -> None:
    """Refuse students who were named and are ``absent``."""
    if absent:
        raise UsageError(f"no submission of {topic!r} by {', '.join(map(repr, sorted(absent)))} in {folder}")


def _handed_in(entry: Path, topic: str) -> bool:
    """Whether a student's folder holds ``topic``; one that may not be entered counts, so that it is told of."""
    try:
        return (entry / topic).is_dir()
    except PermissionError:
        return True


def read_bytes(path: Path, most: int) -> bytes:
    """The bytes of a submitted file; empty where there is none to read, it is no file or it has more than ``most``.

    Nothing is read through a link, be it the file's or its folders': it would show another student's work.
    """
    try:
        if any(part.is_symlink() for part in (path, path.parent, path.parent.parent)):
            return b""
        return path.read_bytes() if path.is_file() and path.stat().st_size <= most else b""
    except PermissionError:
        return b""


def submitted_bytes(submission: Submission) -> bytes:
    """The submission's bytes for its digest; none where it is no ordinary file."""
    if submission.notebooks:
        with contextlib.suppress(OSError, InvalidSubmission):
            return read_submission(submission, Limits())
        return b""
    with contextlib.suppress(OSError):
        if submission.path.is_file() and not submission.path.is_symlink():
            return submission.path.read_bytes()
    return b""


def is_student_id(name: str) -> bool:
    """Whether a folder name can be a student's id: visible characters, at most 120 bytes, no leading dot or dash."""
    if not 0 < len(name.encode(errors="surrogatepass")) <= 120 or name[0] in ".-" or "/" in name:
        return False
    return all(char == " " or unicodedata.category(char)[0] in "LNPSM" for char in name)


class Part(Record, frozen=True, kw_only=True):
    """One of several notebooks that were handed in; ``problem`` says why it could not be read, to the student."""

    name: str
    data: bytes = b""
    problem: str = ""


def read_submission(submission: Submission, limits: Limits) -> bytes:
    """What was handed in: the notebook, or all of several as one, see ``gathered``."""
    if not submission.notebooks:
        return read_notebook(submission.path, limits)
    names, most = submission.notebooks, Limits(notebook_bytes=MOST_BYTES)
    return gathered(names, lambda name: read_notebook(submission.path.with_name(f"{name}.ipynb"), most, names))


def content_of(submission: Submission) -> bytes:
    """The same for submissions of the same content, whatever lies beside it; empty where there is none."""
    data = submitted_bytes(submission)
    if not submission.notebooks or not data:
        return data
    contents = [part.data for part in parted(submission.notebooks, data)]
    return msgspec.msgpack.encode(contents) if any(contents) else b""


def gathered(names: Sequence[str], read: Callable[[str], bytes]) -> bytes:
    """Several notebooks as one string of bytes, from which ``parted`` gets them back.

    One that ``read`` refuses by ``InvalidSubmission`` stands there with the reason. Raises it where all do.
    """
    parts = [_part(name, read) for name in names]
    if all(part.problem for part in parts):
        raise InvalidSubmission("; ".join(part.problem for part in parts))
    return msgspec.msgpack.encode(parts)


def _part(name: str, read: Callable[[str], bytes]) -> Part:
    try:
        return Part(name=name, data=read(name))
    except InvalidSubmission as fault:
        return Part(name=name, problem=fault.message)


def parted(names: Sequence[str], data: bytes) -> list[Part]:
    """The notebooks ``names`` in what was handed in."""
    return [Part(name=names[0], data=data)] if len(names) == 1 else msgspec.msgpack.decode(data, type=list[Part])


def read_notebook(path: Path, limits: Limits, names: Sequence[str] = ()) -> bytes:
    """The bytes of a submitted notebook, never through a link and never more than the limit.

    ``names`` are those of all notebooks where there are several: none of them is this one under a wrong name.
    """
    try:
        return _read(path, limits, names)
    except PermissionError as error:
        raise InvalidSubmission(f"{path.name} may not be read; hand it in again with permission to read it") from error


def _read(path: Path, limits: Limits, names: Sequence[str]) -> bytes:
    if path.is_symlink():
        raise InvalidSubmission(f"{path.name} is a link, not a notebook; hand in the file itself")
    if path.parent.is_symlink() or path.parent.parent.is_symlink():
        raise InvalidSubmission(f"{path.name} lies behind a link, not in a folder of the student's own")
    if not path.exists():
        raise InvalidSubmission(f"no notebook was handed in: {path.name} is not there{_others_beside(path, names)}")
    if not path.is_file():
        raise InvalidSubmission(f"{path.name} is a folder or a device, not a notebook; hand in the file itself")
    size = path.stat().st_size
    if size > limits.notebook_bytes:
        most = limits.notebook_bytes >> 20
        raise InvalidSubmission(f"the notebook has {size >> 20} MiB, more than {most}: clear its outputs and save")
    return path.read_bytes()


def _others_beside(path: Path, names: Sequence[str]) -> str:
    """What to do about notebooks that were handed in under another name."""
    right = {f"{name}.ipynb" for name in names}
    others = sorted(o.name for o in path.parent.glob("*") if NOTEBOOK_LIKE.search(o.name) and o.name not in right)
    if len(others) > 1:
        return f"; of the {len(others)} notebooks that are, give one that name and hand it in again"
    return f"; rename {clean(others[0], 80)} and hand it in again" if others else ""
