"""Folders of files, read and replaced whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from autograder.files import writing

# What tools leave behind and nobody releases.
LEFTOVERS = (".ipynb_checkpoints", "__pycache__", ".DS_Store", ".hypothesis")


def read_tree(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` by its relative path, leftovers of tools aside; empty where there is no folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not set(path.relative_to(folder).parts).intersection(LEFTOVERS)
    }


def write_tree(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` below ``folder``."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o644)


def replace_tree(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Make ``folder`` hold exactly ``files``: the old one or the new one is there, never a mixture.

    Returns:
        Whether anything had to change. Raises ``UsageError`` where the folder cannot be written.
    """
    if folder.is_dir() and read_tree(folder) == dict(files):
        return False
    with writing(folder):
        _replace(folder, files)
    return True


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        new.mkdir()
        write_tree(new, files)
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
