"""Folders of killed grading processes are swept away; those in use, young, or of others stay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.sandbox.places import Place, sweep

HOLD = "from autograder.sandbox.places import Place; place = Place(); print(place.path, flush=True); input()"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def age(path: Path) -> None:
    os.utime(path, (0, 0))


def test_a_place_is_removed_when_it_is_closed(tmp_path: Path) -> None:
    place = Place()
    Path(place.path, "file").touch()
    place.close()
    assert list(tmp_path.iterdir()) == []


def test_the_place_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout
        path = Path(holder.stdout.readline().strip())
        age(path)
        sweep(tmp_path)
        assert path.is_dir()
        holder.kill()
    age(path)
    sweep(tmp_path)
    assert not path.exists()


def test_what_is_young_or_no_folder_of_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "autograder-young").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "autograder-link").symlink_to(tmp_path / "target")
    for name in ("other", "target"):
        age(tmp_path / name)
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"autograder-young", "other", "target", "autograder-link"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make what belongs to another")
def test_the_place_of_another_user_stays(tmp_path: Path) -> None:
    (tmp_path / "autograder-theirs").mkdir()
    os.chown(tmp_path / "autograder-theirs", 61997, 61997)
    age(tmp_path / "autograder-theirs")
    sweep(tmp_path)
    assert (tmp_path / "autograder-theirs").is_dir()
