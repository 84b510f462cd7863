"""Standard output and standard error that no text can use to command the system that reads a log.

CI systems obey lines of a job's log: ``::set-output ...`` (GitHub), ``##vso[...]`` and ``##[...]`` (Azure, GitHub),
``##teamcity[...]``, ``section_start:...`` (GitLab). Grading prints names and messages that submissions chose.
So both streams are replaced once, under everything that prints, tables and tracebacks included: what would begin
a command is broken by a space, wherever a wrapped line puts it.
"""

from __future__ import annotations

import io
import re
import sys
from typing import Any, TextIO

# A command ends being harmless with the last character of one of these; the space goes before that character.
_ANYWHERE = ("##[", "##vso[", "##teamcity[", "section_start:", "section_end:")
_AT_START = "::"
_KEPT = 16  # characters of a line that decide about the next one
_ESCAPE = re.compile(r"(\x1b\[[0-?]*[ -/]*[@-~])")  # colours and cursor movements, which take no place
_LINE_ENDS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")


class Breaker:
    """Breaks commands in a text that comes in pieces."""

    def __init__(self) -> None:
        self._line = ""  # the end of the line so far, from its first visible character on

    def feed(self, text: str) -> str:
        """The next piece, harmless after all pieces before it."""
        parts = _ESCAPE.split(text)
        return "".join(part if number % 2 else self._feed(part) for number, part in enumerate(parts))

    def _feed(self, text: str) -> str:
        done = []
        for char in text:
            line = self._line + char
            if line == _AT_START or line.lower().endswith(_ANYWHERE):
                done.append(" ")
                line = self._line + " " + char
            done.append(char)
            self._line = "" if char in _LINE_ENDS or not (self._line or _visible(char)) else line[-_KEPT:]
        return "".join(done)


def _visible(char: str) -> bool:
    return char.isprintable() and not char.isspace()


class Guarded(io.TextIOBase):
    """A text stream under a breaker. It shows no ``buffer``: bytes would go past it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._breaker = Breaker()

    @property
    def encoding(self) -> str:  # type: ignore[override] # a property in the interpreter's streams, too
        """The encoding of what is written."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override] # as encoding
        """What becomes of characters that the encoding lacks."""
        return self._stream.errors

    def write(self, text: str) -> int:
        """Write ``text`` with every command in it broken."""
        self._stream.write(self._breaker.feed(text))
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether a terminal reads it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The descriptor, for what asks about the terminal's size."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Always."""
        return True


def guard() -> None:
    """Put standard output and error of this process under guard; a character that they cannot show is spelled out."""
    sys.stdout, sys.stderr = (_guarded(stream) for stream in (sys.stdout, sys.stderr))


def _guarded(stream: Any) -> Any:
    if stream is None or isinstance(stream, Guarded):  # None: a process without streams
        return stream
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return Guarded(stream)
