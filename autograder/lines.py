"""Where in an author's file something stands, for messages: "FILE, line N"."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def at(path: Path | str, line: int) -> str:
    """The place in words; the file alone where the line is not known, which is 0."""
    return f"{path}, line {line}" if line else str(path)


def place_of_error(error: BaseException, path: Path, folders: Sequence[Path]) -> str:
    """Where importing ``path`` raised ``error``: the innermost line below ``folders``, in whichever file."""
    spots = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        spots.append((error.filename or "", error.lineno or 0))
    for filename, line in reversed(spots):
        if any(Path(filename).is_relative_to(folder) for folder in folders):
            return at(filename, line)
    return str(path)


def line_of(value: Callable[..., Any] | type) -> int:
    """The first line of a function or class, its decorators included."""
    try:
        return inspect.getsourcelines(value)[1]
    except (OSError, TypeError):  # made without a file
        return 0


def place_of(value: Callable[..., Any] | type) -> str:
    """The file and line of a function or class."""
    try:
        return at(inspect.getfile(value), line_of(value))
    except (OSError, TypeError):
        return str(value)


def line_of_key(text: str, message: str) -> int:
    """The line of the YAML ``text`` that holds the last key named in backticks in ``message``, as msgspec names it."""
    for named in reversed(re.findall(r"`([^`]+)`", message)):
        key = re.escape(named.rpartition(".")[2])
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(rf"\b{key}\b\s*:", line):
                return number
    return 0
