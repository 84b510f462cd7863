"""Zip files and exchange folders as platforms write them, and as attackers would."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.toolkit.tiny import TOPIC

HEAD = "student,first_name,last_name,lms_id\n"
CLASS = f"{HEAD}ada,Ada,Lovelace,101\nbob,Bob,Noyce,102\ncyd,Cyd,O'Dea,\nzoe,Zoë,Muller Smith,104\n"


def zipped(path: Path, files: Mapping[str, bytes] | Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    """A zip file with ``files`` in this order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items() if isinstance(files, Mapping) else files:
            archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return path


def entry(name: str, kind: int = stat.S_IFREG) -> zipfile.ZipInfo:
    """An entry that says it is of a kind of file."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (kind | 0o4755) << 16
    return info


def moodle(who: str, name: str = f"{TOPIC}.ipynb") -> str:
    """Where Moodle puts a file of ``Ada Lovelace_7``."""
    return f"{who}_assignsubmission_file_/{name}"


def patched(path: Path, old: bytes, new: bytes) -> Path:
    """The file with each ``old``, which must be there, made ``new``, of the same length."""
    data = path.read_bytes()
    assert old in data
    assert len(old) == len(new)
    path.write_bytes(data.replace(old, new))
    return path
