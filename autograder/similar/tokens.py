"""Code as a row of tokens in which names, comments, texts and layout make no difference.

One expression finds them, in time that grows with the text alone, whatever the text is: half-written code, magics and
nonsense have tokens as well. ``tokenize`` gives up on those, and differs between versions of Python.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

MOST_TOKENS = 10_000  # of a notebook; an assignment's answers have one or two thousand

_TOKEN = re.compile(
    r"""
    (?P<blank>[\s\\]+|\#[^\n]*)
    |(?P<text>[rbuftRBUFT]{0,2}(?:\"{3}(?:[^\\"]|\\.|"(?!""))*+(?:\"{3}|\\?\Z)
        |'{3}(?:[^\\']|\\.|'(?!''))*+(?:'{3}|\\?\Z)
        |"(?:[^\\"\n]|\\.)*+"?|'(?:[^\\'\n]|\\.)*+'?))
    |(?P<number>(?:\d|\.\d)(?:[eE][+-]|[\w.])*+)
    |(?P<name>\w+)
    |(?P<sign>\*\*=?|//=?|->|:=|<<=?|>>=?|[-+*/%&|^@=!<>]=|.)
    """,
    re.VERBOSE | re.DOTALL,
)
# Names that the notebook's author chose, where attributes are concerned: others are those of a library.
_CHOSEN = re.compile(r"(?:\b(?:def|class)\s+|\bself\.)(\w+)|\.(\w+)\s*(?:[-+*/@]?=(?!=)|:[^=\n]{1,60}=(?!=))")


@dataclass(frozen=True)
class Token:
    """A token as it counts, and where it stands in the text."""

    kind: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """The tokens of ``text``, at most ``MOST_TOKENS``.

    Names count as one and the same, but for keywords and for attributes that the author did not choose, such as
    ``softmax`` in ``x.softmax(0)``. Texts that begin a line are comments, as docstrings are.
    """
    chosen = {name for pair in _CHOSEN.findall(text) for name in pair if name}
    found: list[Token] = []
    after_point, begins = False, True
    for match in _TOKEN.finditer(text):
        sort, value = match.lastgroup, match[0]
        if sort == "blank":
            begins = begins or "\n" in value
            continue
        if not (sort == "text" and begins):
            found.append(Token(_kind(sort, value, chosen, after_point=after_point), *match.span()))
            if len(found) == MOST_TOKENS:
                break
        after_point, begins = value == ".", False
    return found


def _kind(sort: str | None, value: str, chosen: set[str], *, after_point: bool) -> str:
    if sort == "text":
        return '"'
    if sort == "name" and not keyword.iskeyword(value) and (not after_point or value in chosen):
        return "n"
    return value
