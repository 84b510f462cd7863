"""Control groups: found where they are, made where that is allowed, bounding for real."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.sandbox import cgroups
from autograder.sandbox.cgroups import ControlGroup, Hierarchies
from autograder.sandbox.process import Sandbox

ENTER_AND_RUN = """
import sys
for entrance in sys.argv[2:]:
    open(entrance, "w").write("0")
exec(sys.argv[1])
"""


@pytest.fixture
def group() -> Iterator[ControlGroup]:
    found = cgroups.make()
    if found is None:
        pytest.skip("this user may make no control group here")
    yield found
    found.close()
    assert not any(Path(entrance).exists() for entrance in found.entrances)


def run_inside(group: ControlGroup, source: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", ENTER_AND_RUN, source, *group.entrances]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def test_memory_is_bounded_and_the_kill_is_counted(group: ControlGroup) -> None:
    group.bound(64 << 20, 10)
    assert run_inside(group, "kept = bytearray(1 << 24)").returncode == 0
    assert group.kills() == 0
    assert run_inside(group, "kept = bytearray(b'x') * (1 << 28)").returncode == -9
    assert group.kills() == 1


def test_processes_are_bounded(group: ControlGroup) -> None:
    group.bound(64 << 20, 3)
    source = "import os\nfor _ in range(9):\n  if os.fork() == 0: os._exit(0)"
    done = run_inside(group, source)
    assert "BlockingIOError" in done.stderr


def test_a_later_bound_may_be_wider_or_narrower(group: ControlGroup) -> None:
    for most in (64 << 20, 256 << 20, 32 << 20):
        group.bound(most, 10)
        assert run_inside(group, f"kept = bytearray(b'x') * {most // 4}").returncode == 0


@pytest.mark.usefixtures("group")
def test_a_sandbox_says_who_counts() -> None:
    with Sandbox() as sandbox:
        assert sandbox.accounting.startswith("cgroup v")
    with Sandbox("process") as sandbox:
        assert sandbox.accounting == "watchdog"


def lay_out(top: Path, folders: dict[str, str]) -> str:
    """A tree that looks like version 2's, and the line by which it is mounted."""
    for name, controllers in folders.items():
        (top / name).mkdir(parents=True, exist_ok=True)
        (top / name / "cgroup.subtree_control").write_text(controllers, encoding="ascii")
    return f"cgroup2 {top} cgroup2 rw 0 0\n"


def test_the_nearest_folder_that_hands_both_controllers_on_is_taken(tmp_path: Path) -> None:
    mounts = lay_out(tmp_path, {"": "cpu memory pids", "user": "memory pids", "user/session": "cpu"})
    places = list(cgroups._places(Hierarchies.of(mounts, "0::/user/session\n")))
    assert [(place["memory"], version) for place, version in places] == [(tmp_path / "user", 2), (tmp_path, 2)]


def test_a_path_that_is_not_in_view_means_the_top(tmp_path: Path) -> None:
    mounts = lay_out(tmp_path, {"": "memory pids"})
    places = list(cgroups._places(Hierarchies.of(mounts, "0::/docker/0123\n")))
    assert [place["pids"] for place, _ in places] == [tmp_path]


def test_without_controllers_no_group_is_made(tmp_path: Path) -> None:
    mounts = lay_out(tmp_path, {"": "cpu"})
    assert cgroups.make(mounts, "0::/\n") is None
    assert cgroups.make("proc /proc proc rw 0 0\n", "0::/\n") is None


def test_a_folder_that_is_no_group_is_not_left_behind(tmp_path: Path) -> None:
    mounts = lay_out(tmp_path, {"": "memory pids"})
    assert cgroups.make(mounts, "0::/\n") is None
    assert [path.name for path in tmp_path.iterdir()] == ["cgroup.subtree_control"]


def test_a_group_that_takes_no_bounds_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = lay_out(tmp_path, {"": "memory pids"})
    monkeypatch.setattr(
        cgroups, "_make_folders", lambda folders: all(path.mkdir() is None for path in set(folders.values()))
    )
    assert cgroups.make(mounts, "0::/\n") is None
    assert list(tmp_path.glob("autograder-*")) == []


def test_groups_of_killed_runs_are_swept_away(tmp_path: Path) -> None:
    mounts = lay_out(tmp_path, {"": "memory pids"})
    dead = subprocess.Popen(["/bin/true"])
    dead.wait()
    (tmp_path / f"autograder-{dead.pid}-0").mkdir()
    (tmp_path / "autograder-1-0").mkdir()
    cgroups.make(mounts, "0::/\n")
    assert {path.name for path in tmp_path.glob("autograder-*")} == {"autograder-1-0"}
