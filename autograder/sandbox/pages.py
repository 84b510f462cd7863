"""Large pages for the memory that all students share: a fork copies an entry of a table for every page there is.

A nursery has some 60,000 small pages of its own, and each submission is forked twice: with large ones a fork and its
end take a third of the time. What a fork then writes to is copied in small pages as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autograder.sandbox import syscalls

LARGE = 2 << 20  # bytes; where it is not the size of this machine's large pages, the kernel refuses


def enlarge(maps: Path = Path("/proc/self/maps")) -> int:
    """Put what this process has in memory of its own into large pages; how many bytes of it were.

    A machine that has no room for them, and a kernel before Linux 6.1, leaves everything as it is.
    """
    return sum(end - start for start, end in _whole(maps) if syscalls.collapse(start, end - start))


def _whole(maps: Path) -> Iterator[tuple[int, int]]:
    """Whole large pages in private memory without a file, by their first address and the one after the last."""
    for line in maps.read_text(encoding="utf-8").splitlines():
        place, rights, _, _, inode, *name = line.split(maxsplit=5)
        if rights == "rw-p" and inode == "0" and name in ([], ["[heap]"]):
            low, high = (int(address, 16) for address in place.split("-"))
            start, end = -(-low // LARGE) * LARGE, high // LARGE * LARGE
            if start < end:
                yield start, end
