"""The code cells of notebooks as handed in, read in the sandbox and never run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from autograder.errors import ProcessDied
from autograder.model import Limits, Submission
from autograder.sandbox.process import Isolation, Sandbox
from autograder.submissions import parted, submitted_bytes

SECONDS = 30.0  # for a notebook


def read_class(
    submissions: Sequence[Submission],
    limits: Limits,
    hidden: Path,
    isolation: Isolation,
    advance: Callable[[], None] = lambda: None,
) -> tuple[dict[str, list[str]], list[str]]:
    """Each student's code cells, and who handed in what cannot be read.

    A process of its own parses each notebook, locked in as for grading; none of its code runs. ``hidden`` is what
    that process must not see: the course.
    """
    found, unreadable = dict[str, list[str]](), list[str]()
    with Sandbox(isolation, hidden=(hidden,)) as sandbox:
        for submission in submissions:
            cells = _all_cells(sandbox, submission, limits)
            if cells is None:
                unreadable.append(submission.student)
            else:
                found[submission.student] = cells
            advance()
    return found, unreadable


def _all_cells(sandbox: Sandbox, submission: Submission, limits: Limits) -> list[str] | None:
    """The code cells of all notebooks that were handed in; ``None`` where none of them can be read."""
    data = submitted_bytes(submission)
    parts = parted(submission.notebooks or (submission.assignment,), data) if data else []
    read = [cells for part in parts if (cells := _cells(sandbox, part.data, limits)) is not None]
    return [source for cells in read for source in cells] if read else None


def _cells(sandbox: Sandbox, notebook: bytes, limits: Limits) -> list[str] | None:
    if len(notebook) > limits.notebook_bytes:
        return None
    process = sandbox.start(limits)
    try:
        reply = process.request({"op": "load", "notebook": notebook, "names": []}, SECONDS)
    except ProcessDied:
        return None
    finally:
        process.kill()
    if reply["status"] != "ok":
        return None
    return [source for _, _, problem, source in reply["cells"] if not problem and source.strip()]
