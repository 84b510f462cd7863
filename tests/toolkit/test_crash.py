"""Grading runs that are killed, interrupted, out of room or in each other's way: no grade is lost or taken twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.release import release
from tests.toolkit.command_line import command, environment
from tests.toolkit.gradebooks import content
from tests.toolkit.tiny import TOPIC, tiny_course

STUDENTS = 100
PATIENCE = 120.0  # seconds after which something is taken to hang

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the promise on orphans needs Linux"),
]


# ------------------------------------------------------------------------------------------- a class


def sources(course: Path) -> list[list[str]]:
    """The cells that a class hands in, in turns."""
    right = "import torch\nfrom torch import Tensor, nn\n" + (course / "reference" / f"{TOPIC}.py").read_text("utf-8")
    return [
        [right],
        [right, "def halve(x):\n    return x"],
        [right, "class Halver(Halver):\n    def _count(self):\n        pass"],
        ["this is no Python"],
        [right, "import os\ndef halve(x):\n    os.kill(os.getpid(), 9)"],
        [right, "def halve(x):\n    raise RuntimeError('no')"],
    ]


def make_class(folder: Path, students: int) -> Path:
    """A released course with submissions and a secret seed, so that a copy of it is graded in the same way."""
    course = tiny_course(folder).root
    (course / ".autograder").mkdir()
    (course / ".autograder" / "seed").write_text("5e" * 32 + "\n", encoding="ascii")
    kinds = sources(course)
    for number in range(students):
        path = course / "submitted" / f"s{number:03}" / TOPIC / f"{TOPIC}.ipynb"
        path.parent.mkdir(parents=True)
        cells = [
            {"cell_type": "code", "metadata": {}, "outputs": [], "source": source}
            for source in kinds[number % len(kinds)]
        ]
        notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
        path.write_text(json.dumps(notebook) if number % 11 else '{"cells": [', encoding="utf-8")
    release(Course(course), TOPIC)
    return course


def run(course: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=course,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def start(course: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("grade", TOPIC, "--jobs", "2"),
        cwd=course,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


# --------------------------------------------------------------------------------------- what it left


def results(course: Path) -> dict[str, Any]:
    """Every result without what a clock wrote into it."""
    return {path.stem: timeless(json.loads(path.read_bytes())) for path in landed(course)}


def landed(course: Path) -> list[Path]:
    return sorted((course / "results" / TOPIC).glob("*.json"))


def timeless(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: timeless(value) for name, value in part.items() if name not in ("started", "seconds")}
    return [timeless(entry) for entry in part] if isinstance(part, list) else part


def files(course: Path) -> set[str]:
    """Every file, hidden ones too: what a killed process left half done is gone."""
    found = (path for name in ("results", "feedback", "autograded") for path in (course / name).rglob("*"))
    return {str(path.relative_to(course)) for path in found if path.is_file()}


# ------------------------------------------------------------------------------------------ processes


def processes(course: Path) -> dict[int, str]:
    """What runs for ``course``, name and command by pid: what stands in its folder, and all that this has started."""
    children: dict[int, list[int]] = {}
    waiting = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            pid = int(entry.name)
            children.setdefault(parent(pid), []).append(pid)
            if (entry / "cwd").readlink() == course:
                waiting.append(pid)
    found = {}
    while waiting:
        pid = waiting.pop()
        with contextlib.suppress(OSError):
            folder = Path(f"/proc/{pid}")
            found[pid] = f"{(folder / 'comm').read_text('utf-8')} {(folder / 'cmdline').read_bytes()!r}"
            if pid not in SEEN.setdefault(course, {}):
                SEEN[course][pid] = os.pidfd_open(pid)
        waiting += [child for child in children.get(pid, ()) if child not in found]
    return found


SEEN: dict[Path, dict[int, int]] = {}  # whatever was found to run for a course, as pidfds: pids are used again


def parent(pid: int) -> int:
    """The parent's pid; 0 where the process is gone."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    return 0


def workers(course: Path) -> list[int]:
    return called(course, "ag-grader")


def called(course: Path, name: str) -> list[int]:
    return [pid for pid, line in processes(course).items() if line.startswith(name)]


def ends(pid: int, seconds: float) -> bool:
    """Whether the process ``pid`` ends within ``seconds``."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def require_no_orphan(course: Path) -> None:
    while processes(course) or SEEN[course]:
        pid, descriptor = SEEN[course].popitem()
        ended = select.select([descriptor], [], [], PATIENCE)[0]
        os.close(descriptor)
        assert ended, f"{pid} lives on"


def until(process: subprocess.Popen[str], happened: Any) -> bool:
    """Wait until ``happened()``; whether the run is still there then."""
    while not happened():
        if ends(process.pid, 0.02):
            return False
    return True


# ---------------------------------------------------------------------------------------------- tests


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_class(tmp_path_factory.mktemp("class"), STUDENTS)


@pytest.fixture(scope="module")
def undisturbed(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same class, graded by one run that nobody disturbed."""
    course = tmp_path_factory.mktemp("undisturbed") / "course"
    shutil.copytree(pristine, course)
    done = run(course, "grade", TOPIC, "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    return course


STRIKES = ("start", "worker", "ag-zygote", "main", "ag-nursery", "interrupt", "ag-zygote", "worker", "interrupt")


def test_a_class_is_graded_right_whatever_is_killed_on_the_way(
    pristine: Path, undisturbed: Path, tmp_path: Path
) -> None:
    course = tmp_path / "course"
    shutil.copytree(pristine, course)
    draw = random.Random(11)  # noqa: S311 - reproducible moments, no secrets
    process, killed = start(course), []
    for strike in STRIKES:
        if process.returncode is not None:
            process = start(course)
        known, more = len(landed(course)), draw.randint(1, 8)
        if strike == "start":
            there = until(process, lambda: workers(course))
        else:
            there = until(process, lambda known=known, more=more: len(landed(course)) >= known + more)
        there = there and not ends(process.pid, draw.uniform(0, 0.1))
        assert there, f"the run ended before the strike at {strike!r}: {process.communicate()[0]}"
        killed.append(strike)
        crowd = workers(course) if strike == "worker" else called(course, strike)
        if crowd:
            with contextlib.suppress(ProcessLookupError):
                os.kill(draw.choice(crowd), signal.SIGKILL)
            continue
        process.send_signal(signal.SIGINT if strike == "interrupt" else signal.SIGKILL)
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == (3 if strike == "interrupt" else -9), f"{strike}: {said[:3000]}"
        require_no_orphan(course)
    assert killed == list(STRIKES)
    done = run(course, "grade", TOPIC, "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"\d+ of {STUDENTS} submissions are up to date", done.stderr)
    assert results(course) == results(undisturbed)
    assert len(results(course)) == STUDENTS
    assert content(f"sqlite:///{course}/gradebook.db") == content(f"sqlite:///{undisturbed}/gradebook.db")
    assert files(course) == files(undisturbed)


# ----------------------------------------------------------------------------------- two runs at once


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small class of which half is graded."""
    course = make_class(tmp_path_factory.mktemp("half"), 6)
    done = run(course, "grade", TOPIC, "--jobs", "1", *(f"--student=s{number:03}" for number in range(3)))
    assert done.returncode == 0, done.stdout + done.stderr
    return course


@pytest.fixture
def half_graded(half: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(half, tmp_path / "course"))


def test_a_second_run_at_once_is_refused_and_the_first_goes_on(half_graded: Path) -> None:
    first = start(half_graded)
    assert until(first, lambda: workers(half_graded))
    first.send_signal(signal.SIGSTOP)  # it is still at it, however long the other one takes to start
    try:
        second = run(half_graded, "grade", TOPIC)
    finally:
        first.send_signal(signal.SIGCONT)
    assert second.returncode == 2
    assert f"another grading run is at work on {half_graded}; wait for it to end" in second.stderr
    said, _ = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, said
    assert len(results(half_graded)) == 6
    require_no_orphan(half_graded)


# -------------------------------------------------------------------------------------- no room left

# $1 the folder to be short of room, $2 its mount options, $3 how it is filled, $4 how room is made; then the command.
SHORT_OF_ROOM = """
set -eu
folder=$1 options=$2 fill=$3 make_room=$4; shift 4
mount --make-rprivate /
[ ! -d "$folder" ] || cp -a "$folder" "$folder.before"
mkdir -p "$folder" "$folder.before"
mount -t tmpfs -o "$options" tmpfs "$folder"
cp -a "$folder.before/." "$folder"
cd "$folder"; sh -c "$fill"; cd "$OLDPWD"
status=0; "$@" || status=$?
cp -a "$folder/." "$folder.short"
cd "$folder"; sh -c "$make_room"; cd "$OLDPWD"
"$@" >&2
cp -a "$folder/." "$folder.after"
exit "$status"
"""
BALLAST = ("size=2m", "cat /dev/zero >ballast || true", "rm ballast")


@pytest.fixture(scope="module")
def _mounts() -> None:
    """What is mounted here is seen by the process under test alone."""
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0:
        return
    message = "needs to mount: run as root"
    pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


def run_short_of_room(
    course: Path, folder: Path, how: tuple[str, str, str], *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """Grade without room and again with it, which must work; what the first one said and its exit code.

    ``FOLDER.short`` and ``FOLDER.after`` are what lay in the folder after each.
    """
    shell = ["unshare", "-m", "bash", "-c", SHORT_OF_ROOM, "bash", str(folder), *how]
    grade = command("grade", TOPIC, "--jobs", "1", *arguments)
    return subprocess.run(
        [*shell, *grade],
        cwd=course,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
    )


def require_complete(course: Path, results_folder: str = "results", database: Path | None = None) -> None:
    found = sorted(path.stem for path in (course / results_folder / TOPIC).glob("*.json"))
    assert found == [f"s{number:03}" for number in range(6)]
    rows = content(f"sqlite:///{database or course / 'gradebook.db'}")
    assert len(rows["late"]) == 6
    assert len(rows["grade"]) == 18


@pytest.mark.usefixtures("_mounts")
def test_no_room_for_results_is_said_and_made_good_later(half_graded: Path) -> None:
    before = results(half_graded)
    done = run_short_of_room(half_graded, half_graded / "results", BALLAST)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"cannot write {half_graded}/results/{TOPIC}/s003.json: the disk is full; put that right" in done.stderr
    assert "Traceback" not in done.stderr
    short = half_graded / "results.short" / TOPIC
    assert {path.stem: timeless(json.loads(path.read_bytes())) for path in short.iterdir()} == before
    require_complete(half_graded, "results.after")


@pytest.mark.usefixtures("_mounts")
def test_no_room_for_the_gradebook_is_said_and_made_good_later(half_graded: Path) -> None:
    books = half_graded / "books"
    books.mkdir()
    shutil.move(half_graded / "gradebook.db", books)
    before = content(f"sqlite:///{books}/gradebook.db")
    done = run_short_of_room(half_graded, books, BALLAST, "--db", f"sqlite:///{books}/gradebook.db")
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"the gradebook sqlite:///{books}/gradebook.db cannot be written: the disk is full" in done.stderr
    assert "3 grades did not reach the gradebook: what was graded is kept in" in done.stderr
    assert "Traceback" not in done.stderr
    assert content(f"sqlite:///{books}.short/gradebook.db") == before
    require_complete(half_graded, database=Path(f"{books}.after/gradebook.db"))


@pytest.mark.usefixtures("_mounts")
def test_no_room_for_temporary_files_is_said_and_made_good_later(half_graded: Path) -> None:
    before, temporary = results(half_graded), half_graded / "temporary"
    how = ("nr_inodes=2", "true", f"mount -o remount,nr_inodes=1000 {temporary}")
    done = run_short_of_room(half_graded, temporary, how, TMPDIR=str(temporary))
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(rf"cannot write {temporary}\S*: the disk is full; put that right and run again", done.stderr)
    assert "Traceback" not in done.stderr
    assert before.items() <= results(half_graded).items()
    require_complete(half_graded)
