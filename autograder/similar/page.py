"""The pairs of a class as one HTML file that loads nothing and runs nothing: side by side, what they share marked."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from autograder.disclosure import line
from autograder.pages import templates
from autograder.similar.pairs import LEAST_TOKENS, Alike, Document, Pair
from autograder.text import clean
from autograder.words import plural

_PIECE = 8000  # characters shown of a piece of code
_GAP, _KEPT = 20, 6  # lines that are not shared: from where on they are folded, and how many stay at either end


@dataclass(frozen=True)
class Piece:
    """Some code; ``number`` is that of its passage, 0 without one, and ``first`` says that the passage begins here."""

    text: str
    number: int = 0
    first: bool = False


@dataclass(frozen=True)
class Column:
    """A side of a pair. ``rest`` counts cells that share nothing, and are not shown."""

    student: str
    share: float
    cells: Sequence[Sequence[Piece]]
    rest: int


@dataclass(frozen=True)
class Class:
    """What the page says beside the pairs."""

    title: str
    compared: int
    least: float
    unreadable: Sequence[str] = ()
    cut: Sequence[str] = ()


def render(alike: Alike, about: Class) -> str:
    """The page: HTML text that needs no other file."""
    css = "".join(_source(name) for name in ("report.css", "similar.css"))
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return _ENVIRONMENT.get_template("similar.html").render(
        about=about,
        alike=alike,
        pairs=[(pair, _columns(pair)) for pair in alike.pairs],
        least_tokens=LEAST_TOKENS,
        style=Markup(css),  # noqa: S704 - our own files
        style_hash=f"sha256-{digest}",
    )


def _columns(pair: Pair) -> tuple[Column, Column]:
    lefts = [(number, one.left, one.length) for number, one in enumerate(pair.passages, 1)]
    rights = [(number, one.right, one.length) for number, one in enumerate(pair.passages, 1)]
    return (
        _column(pair.left.document, pair.left.share, lefts),
        _column(pair.right.document, pair.right.share, rights),
    )


def _column(document: Document, share: float, passages: Iterable[tuple[int, int, int]]) -> Column:
    spans = sorted(span for number, at, length in passages for span in _spans(document, at, at + length, number))
    cells, begun, start = list[list[Piece]](), set[int](), 0
    for cell in document.cells:
        end = start + len(cell)
        inside = [span for span in spans if span[0] < end and span[1] > start]
        if inside:
            cells.append(list(_pieces(document.text, start, end, inside, begun)))
        start = end + 2  # what stands between two cells
    return Column(line(document.student), share, cells, len(document.cells) - len(cells))


def _spans(document: Document, at: int, end: int, number: int) -> Iterable[tuple[int, int, int]]:
    """Where the tokens from ``at`` to ``end`` stand in the text, without comments and docstrings between them."""
    start, last = document.tokens[at].start, document.tokens[at].end
    for token in document.tokens[at + 1 : end]:
        if document.text[last : token.start].strip():
            yield start, last, number
            start = token.start
        last = token.end
    yield start, last, number


def _pieces(text: str, at: int, end: int, spans: Iterable[tuple[int, int, int]], begun: set[int]) -> Iterable[Piece]:
    """The cell from ``at`` to ``end``, cut where passages begin and end; of two that overlap the first has the code."""
    for start, stop, number in spans:
        if at < start:
            yield Piece(_folded(text[at:start]))
        at = max(at, start)
        yield Piece(clean(text[at : min(stop, end)], _PIECE), number, number not in begun)
        begun.add(number)
        at = max(at, min(stop, end))
    if at < end:
        yield Piece(_folded(text[at:end]))


def _folded(text: str) -> str:
    lines = text.split("\n")
    if len(lines) > _GAP:
        left_out = f"    [{len(lines) - 2 * _KEPT} lines that are not shared]"
        lines = [*lines[:_KEPT], left_out, *lines[-_KEPT:]]
    return clean("\n".join(lines), _PIECE)


def _source(name: str) -> str:
    return _ENVIRONMENT.loader.get_source(_ENVIRONMENT, name)[0] if _ENVIRONMENT.loader else ""


def _percent(share: float) -> str:
    """Rounded down: nothing is called the whole that is not."""
    return f"{int(100 * share)} %"


_ENVIRONMENT = templates({"line": line, "percent": _percent, "plural": plural})
