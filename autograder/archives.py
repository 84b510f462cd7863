"""Zip files whose bytes depend on their content alone: sorted names, one fixed time, no user names."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that the format can tell
_UNIX = 3


@dataclass(frozen=True)
class Member:
    """A file of an archive, with the permissions it has once unpacked."""

    data: bytes
    mode: int = 0o644


def zip_of(members: Mapping[str, Member]) -> bytes:
    """An archive of ``members`` by name; the same members give the same bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, member in sorted(members.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = (stat.S_IFREG | member.mode) << 16
            archive.writestr(entry, member.data, zipfile.ZIP_DEFLATED)
    return file.getvalue()
