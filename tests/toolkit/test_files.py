from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.errors import UsageError
from autograder.files import cannot_write, is_full, sweep, write_whole

ROOT = Path(__file__).parents[2]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").touch()
    with pytest.raises(UsageError, match=r"cannot write .*taken: Is a directory; put that right and run again"):
        write_whole(tmp_path / "taken", b"three")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder", "taken"]


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path, old, new = tmp_path / "file", b"a" * 3_000_000, b"b" * 3_000_000
    write_whole(path, old)
    with path.open("rb") as reader:
        write_whole(path, new)
        assert reader.read() == old
    assert path.read_bytes() == new


def test_the_same_data_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"one")
    before = path.stat()
    write_whole(path, b"one")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_secret_is_its_owners_from_the_first_byte(tmp_path: Path) -> None:
    write_whole(tmp_path / "secret", b"one", mode=0o600)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_what_a_killed_run_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    """Killed between writing the file and putting it in its place."""
    (tmp_path / "topic").mkdir()
    program = """
import os, sys
from pathlib import Path
from autograder.files import write_whole
Path.replace = lambda *_: os.kill(os.getpid(), 9)
write_whole(Path(sys.argv[1]), b"{}")
"""
    killed = subprocess.Popen([sys.executable, "-c", program, tmp_path / "topic" / "ada.json"], cwd=ROOT)
    assert killed.wait(60) == -9
    left = f".ada.json.{killed.pid}"
    assert [path.name for path in (tmp_path / "topic").iterdir()] == [left]
    others = {f".ada.json.{os.getpid()}", ".ada.json.1", ".ada.json.0", "ada.json", f"ada.json.{killed.pid}", ".keep"}
    others |= {f".{killed.pid}", f".ada.{killed.pid}", f".ada.json.{killed.pid}.bak", f".ada.json.swp{killed.pid}"}
    for name in others:
        (tmp_path / "topic" / name).touch()
    sweep(tmp_path)
    assert {path.name for path in (tmp_path / "topic").iterdir()} == others
    sweep(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("number", "reason", "full"),
    [
        (errno.ENOSPC, "the disk is full", True),
        (errno.EDQUOT, "the disk quota is used up", True),
        (errno.EACCES, "Permission denied", False),
    ],
)
def test_why_a_file_cannot_be_written_is_said_plainly(number: int, reason: str, full: bool) -> None:
    error = OSError(number, "Permission denied")
    assert str(cannot_write("results/ada.json", error)) == (
        f"cannot write results/ada.json: {reason}; put that right and run again, what was written before stands"
    )
    assert is_full(error) is full
