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
    (tmp_path / "autograder-sandbox-young").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "autograder-sandbox-link").symlink_to(tmp_path / "target")
    for name in ("other", "target"):
        age(tmp_path / name)
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "autograder-sandbox-young",
        "other",
        "target",
        "autograder-sandbox-link",
    }


@pytest.mark.parametrize("name", ["autograder-course", "autograder-proof-x", "autograder-sandbox-mine"])
def test_a_folder_of_the_users_own_stays_whatever_its_name(tmp_path: Path, name: str) -> None:
    work = tmp_path / name / "thesis.md"
    work.parent.mkdir()
    work.write_text("years of work", encoding="ascii")
    age(work.parent)
    sweep(tmp_path)
    assert work.read_text(encoding="ascii") == "years of work"


def test_what_a_cage_left_in_a_place_goes_with_it(tmp_path: Path) -> None:
    place = tmp_path / "autograder-sandbox-left"
    (place / "box" / "home").mkdir(parents=True)
    age(place)
    sweep(tmp_path)
    assert not place.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make what belongs to another")
def test_the_place_of_another_user_stays(tmp_path: Path) -> None:
    (tmp_path / "autograder-sandbox-theirs").mkdir()
    os.chown(tmp_path / "autograder-sandbox-theirs", 61997, 61997)
    age(tmp_path / "autograder-sandbox-theirs")
    sweep(tmp_path)
    assert (tmp_path / "autograder-sandbox-theirs").is_dir()
