"""A class of notebooks compared: an index of fingerprints names the pairs, and only those are looked at closely."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from autograder.similar.tokens import MOST_TOKENS, tokens_of
from autograder.similar.winnow import (
    SHORTEST,
    Passage,
    fingerprints_of,
    hashes_of,
    own,
    passages_of,
    places_of,
)

LEAST = 0.5  # of a student's own code, for a pair to be shown
LEAST_TOKENS = 3 * SHORTEST  # short answers are alike whoever writes them
MOST_PAIRS = 100  # shown
_LOOKED_AT = 2000  # pairs, the likeliest first
_CLASS_SHARE, _CLASS_LEAST = 10, 10


class Document:
    """A notebook's code cells, and what is computed of them."""

    def __init__(self, student: str, cells: Sequence[str]) -> None:
        self.student = student
        self.cells = tuple(cells)
        self.text = "\n\n".join(cells)
        self.tokens = tokens_of(self.text)
        self.hashes = hashes_of([token.kind for token in self.tokens])
        self.fingerprints = fingerprints_of(self.hashes)

    @property
    def cut(self) -> bool:
        """Whether it was too long to be compared as a whole."""
        return len(self.tokens) == MOST_TOKENS

    @cached_property
    def places(self) -> dict[int, list[int]]:
        """Where each group of tokens stands."""
        return places_of(self.hashes)


@dataclass(frozen=True)
class Side:
    """One notebook of a pair: the share of its own code that the other has too, in ``tokens``."""

    document: Document
    share: float
    tokens: int


@dataclass(frozen=True)
class Pair:
    """Two notebooks with what they share; the passages go by their place in the left one."""

    left: Side
    right: Side
    passages: Sequence[Passage]

    @property
    def share(self) -> float:
        """The larger of both shares."""
        return max(self.left.share, self.right.share)


@dataclass(frozen=True)
class Alike:
    """Pairs from the most alike on. ``common``: what more students than that have is left out; ``found``: all pairs."""

    pairs: Sequence[Pair]
    found: int
    common: int


def alike(documents: Sequence[Document], released: Sequence[str], least: float = LEAST) -> Alike:
    """The pairs of ``documents`` of whose own code at least the share ``least`` is in both.

    What stands in the code cells ``released`` is nobody's own, nor what more than a tenth of a large class has.
    """
    common = max(_CLASS_LEAST, len(documents) // _CLASS_SHARE)
    holders = Counter(value for document in documents for value in set(document.hashes))
    given = set(Document("", released).hashes)
    usual = given | {value for value, count in holders.items() if count > common}
    ignored = usual.__contains__
    owned = {document.student: own(document.hashes, len(document.tokens), ignored) for document in documents}
    likely = _likely(documents, usual, least)
    pairs = [_compared(left, right, owned, ignored) for left, right in likely]
    shown = [pair for pair in pairs if pair.share >= least and _tokens(pair) >= LEAST_TOKENS]
    shown.sort(key=lambda pair: (-pair.share, -_tokens(pair), pair.left.document.student, pair.right.document.student))
    return Alike(shown[:MOST_PAIRS], len(shown), common)


def _likely(documents: Sequence[Document], usual: set[int], least: float) -> Iterable[tuple[Document, Document]]:
    """Pairs that share fingerprints enough, by an index: most pairs of a class are never looked at."""
    prints = [document.fingerprints - usual for document in documents]
    index: dict[int, list[int]] = {}
    for number, values in enumerate(prints):
        for value in values:
            index.setdefault(value, []).append(number)
    shared = Counter(pair for numbers in index.values() for pair in combinations(numbers, 2))

    def estimate(pair: tuple[int, int]) -> float:
        return shared[pair] / min(len(prints[pair[0]]), len(prints[pair[1]]))

    near = (pair for pair, count in shared.items() if count > 1 and estimate(pair) >= least / 2)
    for left, right in heapq.nlargest(_LOOKED_AT, near, key=estimate):
        yield documents[left], documents[right]


def _compared(left: Document, right: Document, owned: Mapping[str, set[int]], ignored: Callable[[int], bool]) -> Pair:
    passages = passages_of(left.hashes, right.hashes, right.places, ignored)
    lefts = {one.left + step for one in passages for step in range(one.length)}
    rights = {one.right + step for one in passages for step in range(one.length)}
    return Pair(_side(left, lefts, owned[left.student]), _side(right, rights, owned[right.student]), passages)


def _side(document: Document, shared: set[int], its_own: set[int]) -> Side:
    both = len(shared & its_own)
    return Side(document, both / len(its_own) if its_own else 0.0, both)


def _tokens(pair: Pair) -> int:
    return min(pair.left.tokens, pair.right.tokens)
