"""Cells of a table that a spreadsheet shows and never runs.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and formulas reach files,
programs and the network. Quotes do not help: they belong to the format, not to the cell. An apostrophe before the
text does. Depending on its settings, a spreadsheet cuts a line at other characters than the comma; the text after
each of these may become a cell, too.
"""

from __future__ import annotations

import csv
import io
import math
import unicodedata
from collections.abc import Iterable, Sequence

from autograder.text import clean

Cell = str | float | None

_FORMULA = frozenset("=+-@|%\u2212")  # | and % in old spreadsheets; the minus sign of mathematics
_CUTS = frozenset(",;:|\t\n\r")


def text_cell(text: str) -> str:
    """``text`` on one line without invisible characters, with an apostrophe wherever a formula could begin."""
    shown = clean(text.replace("\t", " ").replace("\n", " "), 1000)
    done, begins = [], True
    for char in shown:
        if begins and _plain(char) in _FORMULA:
            done.append("'")
        done.append(char)
        begins = _plain(char) in _CUTS or (begins and _passed_over(char))
    return "".join(done)


def _plain(char: str) -> str:
    """The ordinary form of full-width, small and raised variants."""
    return unicodedata.normalize("NFKC", char)


def _passed_over(char: str) -> bool:
    """Whether a spreadsheet may look behind it for the beginning of a formula: spaces and quotes of all kinds."""
    return char.isspace() or char in "`„‚" or unicodedata.category(char) in ("Pi", "Pf") or _plain(char) in "'\""


def number_cell(value: float | None) -> float | int | None:
    """A number as short as it can be; nothing where there is none."""
    if value is None or not math.isfinite(value):
        return None
    rounded = round(value, 6)
    return int(rounded) if rounded == int(rounded) else rounded


def table(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Rows as RFC 4180 has them: text in quotes, lines ended by CR LF, UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    for row in rows:
        writer.writerow([text_cell(cell) if isinstance(cell, str) else number_cell(cell) for cell in row])
    return text.getvalue().encode()
