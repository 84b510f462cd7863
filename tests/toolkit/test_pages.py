from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autograder.sandbox import pages, syscalls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

MAPS = """\
00400000-00500000 r-xp 00000000 08:01 1234 /usr/bin/python3.11
01000000-01900000 rw-p 00000000 00:00 0 [heap]
10100000-10500000 rw-p 00000000 00:00 0
20000000-20200000 rw-p 00000000 00:00 0
20200000-20300000 rw-p 00000000 00:00 0
30000000-30400000 rw-s 00000000 00:00 0
40000000-40400000 r--p 00000000 00:00 0
50000000-50400000 rw-p 00000000 08:01 99 /tmp/a file with spaces
60000000-60400000 rw-p 00000000 00:00 0 [stack]
"""


def test_only_whole_large_pages_of_memory_without_a_file_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def collapse(start: int, length: int) -> bool:
        asked.append((start, length))
        return start != 0x10200000

    monkeypatch.setattr(syscalls, "collapse", collapse)
    (tmp_path / "maps").write_text(MAPS, encoding="utf-8")
    assert pages.enlarge(tmp_path / "maps") == 10 << 20
    assert asked == [(0x01000000, 8 << 20), (0x10200000, 2 << 20), (0x20000000, 2 << 20)]


def test_memory_keeps_what_it_holds() -> None:
    kept = [bytes([number]) * (3 << 20) for number in range(5)]
    pages.enlarge()
    assert all(data == bytes([number]) * (3 << 20) for number, data in enumerate(kept))


def test_what_the_kernel_refuses_is_left_alone() -> None:
    assert not syscalls.collapse(0, pages.LARGE)
