"""A platform's zip file, whose names and contents students chose, read without ever being unpacked.

Nothing of it is written anywhere under a name of its own: one member at a time is read into memory, up to a size.
"""

from __future__ import annotations

import re
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import NotCollected, UsageError

MOST_ENTRIES = 50_000
MOST_RATIO = 200  # unpacked to packed; a notebook's pictures hardly shrink, and its text some ten times
RATIO_FROM = 1 << 20  # bytes; what is smaller does no harm

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


@dataclass(frozen=True)
class Entry:
    """A file in an archive. ``problem`` says why it is not to be read, ``""`` where it may be."""

    path: str
    problem: str
    _archive: zipfile.ZipFile
    _info: zipfile.ZipInfo

    def read(self, most: int) -> bytes:
        """Its bytes; raises ``NotCollected`` for what is unsafe, damaged, or larger than ``most``."""
        if self.problem:
            raise NotCollected(self.problem, answered=True)
        if self._info.file_size > most:
            raise _too_large(self._info.file_size, most)
        try:
            with self._archive.open(self._info) as file:
                data = file.read(most + 1)  # what the archive says of its size may be wrong
        except _BROKEN as error:
            raise NotCollected(f"is damaged in the zip file ({error}); download it again", answered=True) from error
        if len(data) > most:
            raise _too_large(len(data), most)
        return data


@contextmanager
def entries(path: Path) -> Iterator[list[Entry]]:
    """The files in the archive at ``path``, while it is open; raises ``UsageError`` for what is no zip file."""
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise UsageError(f"{path}: cannot be read as a zip file ({error}); download it again") from error
    with archive:
        found = archive.infolist()
        if len(found) > MOST_ENTRIES:
            raise UsageError(f"{path}: holds {len(found)} files; at most {MOST_ENTRIES} are read, so split it")
        exact = Counter(info.orig_filename for info in found)
        folded = Counter(map(_folded, exact))
        yield [_entry(archive, info, exact, folded) for info in found if not _is_folder(info)]


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, exact: Counter[str], folded: Counter[str]) -> Entry:
    name = info.orig_filename  # the other one is cut at the first NUL
    problem = _name_problem(name) or _kind_problem(info)
    if not problem and exact[name] > 1:
        problem = f"stands {exact[name]} times in the zip file under one name"
    if not problem and folded[_folded(name)] > 1:
        problem = "has a name that another file in the zip file has in capitals, or in other code points"
    return Entry(name, problem, archive, info)


def _name_problem(name: str) -> str:
    if "\0" in name:
        return "has a NUL in its name"
    if name.startswith("/") or "\\" in name or re.match(r"[A-Za-z]:", name):
        return "has an absolute path or one of Windows for a name"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "has a name that leads out of the zip file"
    return ""


def _kind_problem(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link and no file"
    if kind not in (0, stat.S_IFREG):
        return "is a device or another thing that is no file"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return f"is packed by method {info.compress_type}, which no learning platform uses"
    if info.file_size > RATIO_FROM and info.file_size > MOST_RATIO * info.compress_size:
        return f"unpacks to more than {MOST_RATIO} times its size"
    return ""


def _is_folder(info: zipfile.ZipInfo) -> bool:
    """A folder's entry holds nothing; a file that only calls itself one is read as a file."""
    return info.orig_filename.endswith("/") and not info.file_size and not _name_problem(info.orig_filename[:-1])


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _too_large(size: int, most: int) -> NotCollected:
    return NotCollected(f"has {size} bytes or more; a notebook of this assignment has at most {most}", answered=True)
