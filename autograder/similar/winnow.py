"""Fingerprints of token rows, and the passages that two rows have in common.

Winnowing, by Schleimer, Wilkerson and Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003: of
every ``WINDOW`` neighbouring groups of ``GROUP`` tokens the one with the smallest hash is kept. So two rows that share
``GROUP + WINDOW - 1`` tokens in a row share a fingerprint, wherever the passage stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

GROUP = 14  # tokens, about a line and a half: what is shorter is anybody's
WINDOW = 8
SHORTEST = GROUP + WINDOW - 1  # of a passage that counts
_PLACES = 8  # of one group in a row that are tried; code that repeats itself has any number


@dataclass(frozen=True)
class Passage:
    """Tokens that two rows share: from ``left`` in the one and from ``right`` in the other, ``length`` of them."""

    left: int
    right: int
    length: int


def hashes_of(kinds: Sequence[str]) -> list[int]:
    """The hash of each group of ``GROUP`` neighbours, the same in every process."""
    return [
        int.from_bytes(hashlib.blake2b("\0".join(kinds[at : at + GROUP]).encode(), digest_size=8).digest())
        for at in range(len(kinds) - GROUP + 1)
    ]


def fingerprints_of(hashes: Sequence[int]) -> set[int]:
    """The smallest hash of each window."""
    return {min(hashes[at : at + WINDOW]) for at in range(max(1, len(hashes) - WINDOW + 1))} if hashes else set()


def places_of(hashes: Sequence[int]) -> dict[int, list[int]]:
    """Where each hash stands, the first few times."""
    places: dict[int, list[int]] = {}
    for at, value in enumerate(hashes):
        found = places.setdefault(value, [])
        if len(found) < _PLACES:
            found.append(at)
    return places


def passages_of(
    left: Sequence[int], right: Sequence[int], places: Mapping[int, Sequence[int]], ignored: Callable[[int], bool]
) -> list[Passage]:
    """What the row with the hashes ``left`` has of the one with ``right``, whose ``places`` these are, in order."""
    found, at = list[Passage](), 0
    while at < len(left):
        if ignored(left[at]):
            at += 1
            continue
        runs = [(_run(left, right, at, place, ignored), -place) for place in places.get(left[at], ())]
        groups, place = max(runs, default=(0, 0))
        if groups + GROUP - 1 >= SHORTEST:
            found.append(Passage(at, -place, groups + GROUP - 1))
        at += max(1, groups)
    return found


def _run(left: Sequence[int], right: Sequence[int], at: int, place: int, ignored: Callable[[int], bool]) -> int:
    """How many groups from ``at`` and ``place`` on are equal, and not to be ignored."""
    length = 0
    while (
        at + length < len(left)
        and place + length < len(right)
        and left[at + length] == right[place + length]
        and not ignored(left[at + length])
    ):
        length += 1
    return length


def own(hashes: Sequence[int], tokens: int, ignored: Callable[[int], bool]) -> set[int]:
    """The tokens that are in no group to be ignored."""
    return set(range(tokens)) - {
        at + step for at, value in enumerate(hashes) if ignored(value) for step in range(GROUP)
    }
