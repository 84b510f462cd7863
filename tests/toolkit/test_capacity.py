"""A machine is played by a folder with the files that the kernel would show."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder import capacity
from autograder.capacity import BYTES_OF_EACH, default_jobs, free_memory, processors

MANY = len(os.sched_getaffinity(0))
GIB = 1 << 30


def machine(root: Path, **files: object) -> Path:
    """Files below ``root``: ``a__b_c`` is ``a/b.c``."""
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n", encoding="ascii")
    return root


def unified(root: Path, **files: object) -> Path:
    """In a group of a group of the second version."""
    inside = {f"sys__fs__cgroup__a__b__{name}": content for name, content in files.items()}
    mounts = f"proc /proc proc rw 0 0\ncgroup2 {root}/sys/fs/cgroup cgroup2 rw,nosuid 0 0"
    machine(root, proc__self__cgroup="0::/a/b", proc__self__mounts=mounts, **inside)
    return root / "proc"


def separate(root: Path, controllers: str, **files: object) -> Path:
    """In a group of the first version, whose hierarchy may be mounted anywhere."""
    inside = {f"mounted__box__{name}": content for name, content in files.items()}
    mounts = f"cgroup {root}/mounted cgroup rw,relatime,{controllers} 0 0"
    machine(root, proc__self__cgroup=f"4:{controllers}:/box\n0::/", proc__self__mounts=mounts, **inside)
    return root / "proc"


def test_this_machine_bears_at_least_one_and_no_more_than_it_has() -> None:
    assert 1 <= default_jobs() <= MANY
    assert 1 <= processors() <= MANY
    assert 0 < free_memory() < 1 << 50


def test_without_a_control_group_every_processor_counts(tmp_path: Path) -> None:
    assert processors(tmp_path) == MANY


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000", MANY),
        ("100000 100000", 1),
        ("50000 100000", 1),
        ("150000 100000", min(2, MANY)),
        ("nonsense", MANY),
    ],
)
def test_the_quota_of_a_group_bounds_the_processors(tmp_path: Path, quota: str, expected: int) -> None:
    assert processors(unified(tmp_path, cpu_DOT_max=quota)) == expected


def test_the_quota_of_an_outer_group_counts_as_well(tmp_path: Path) -> None:
    proc = unified(tmp_path, cpu_DOT_max="max 100000")
    machine(tmp_path, sys__fs__cgroup__a__cpu_DOT_max="100000 100000")
    assert processors(proc) == 1


@pytest.mark.parametrize(("quota", "expected"), [(-1, MANY), (100000, 1)])
def test_the_quota_of_a_group_of_the_first_version(tmp_path: Path, quota: int, expected: int) -> None:
    files = {"cpu_DOT_cfs_quota_us": quota, "cpu_DOT_cfs_period_us": 100000}
    assert processors(separate(tmp_path, "cpu,cpuacct", **files)) == expected


def test_free_memory_is_the_least_of_machine_and_groups(tmp_path: Path) -> None:
    machine(tmp_path, proc__meminfo=f"MemTotal: 99 kB\nMemAvailable: {8 * GIB >> 10} kB")
    assert free_memory(tmp_path / "proc") == 8 * GIB
    files = {
        "memory_DOT_max": 4 * GIB,
        "memory_DOT_current": 3 * GIB,
        "memory_DOT_stat": f"anon 5\ninactive_file {GIB}",
    }
    assert free_memory(unified(tmp_path, **files)) == 2 * GIB
    machine(tmp_path, sys__fs__cgroup__a__memory_DOT_max=GIB, sys__fs__cgroup__a__memory_DOT_current=GIB)
    assert free_memory(tmp_path / "proc") == 0


def test_a_group_without_a_limit_bounds_no_memory(tmp_path: Path) -> None:
    machine(tmp_path, proc__meminfo=f"MemAvailable: {GIB >> 10} kB")
    assert free_memory(unified(tmp_path, memory_DOT_max="max", memory_DOT_current=GIB)) == GIB


def test_the_memory_of_a_group_of_the_first_version(tmp_path: Path) -> None:
    files = {"memory_DOT_limit_in_bytes": 3 * GIB, "memory_DOT_usage_in_bytes": GIB}
    assert free_memory(separate(tmp_path, "memory", **files)) == 2 * GIB


@pytest.mark.parametrize(
    ("free", "expected"), [(0, 1), (BYTES_OF_EACH, 1), (5 * BYTES_OF_EACH, 5), (99 * BYTES_OF_EACH, 8)]
)
def test_memory_bounds_the_grading_processes(monkeypatch: pytest.MonkeyPatch, free: int, expected: int) -> None:
    monkeypatch.setattr(capacity, "processors", lambda: 8)
    monkeypatch.setattr(capacity, "free_memory", lambda: free)
    assert default_jobs() == expected
