from __future__ import annotations

import io
import json
import os
import re
import shutil
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.commands.bundle import bundle as command
from autograder.course import Course
from autograder.errors import AuthoringError, InvalidSubmission, UsageError
from autograder.exports.gradescope import FAILED, failed_json
from autograder.gradescope import package, run
from autograder.gradescope.bundle import bundle
from autograder.gradescope.package import pins, requirements
from autograder.release import release
from autograder.runner import Grader
from autograder.seed import Seed
from tests.toolkit.command_line import WRONG, right
from tests.toolkit.gradescope_container import Container, unpack
from tests.toolkit.gradescope_schema import read_results
from tests.toolkit.hosts import notebook
from tests.toolkit.tiny import TOPIC, edit, tiny_course

NAME = f"{TOPIC}.ipynb"
USERS = {"users": [{"email": "ada@example.org", "id": 7, "name": "Ada"}, {"email": "\x1b[31mbob", "id": 8}]}

# Full marks mean that it reached nothing: its own function tells on it.
HOSTILE = """
import glob, os
reached = []
PLACES = ["results/results.json", "results/stdout", "run_autograder", "source/failed.json", "submission/x", "x"]
for path in PLACES:
    for mode in ("r", "a"):
        try:
            open("/autograder/" + path, mode).close()
            reached.append(path)
        except OSError:
            pass
for folder in ("", "source", "source/course", "source/course/.autograder", "submission", "results"):
    try:
        reached += os.listdir("/autograder/" + folder)
    except OSError:
        pass
try:
    if os.fork() == 0:
        os._exit(0)
    reached.append("a process, so that this is no container without privileges")
except PermissionError:
    pass
honest = halve
def halve(x):
    if reached:
        raise RuntimeError(str(reached))
    return honest(x)
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The tiny course, released, with another assignment beside it."""
    made = tiny_course(tmp_path_factory.mktemp("home"))
    release(made, TOPIC)
    for path in ("assignments/other/other.md", "reference/other.py", "tests/hidden/test_other.py"):
        (made.root / path).parent.mkdir(parents=True, exist_ok=True)
        (made.root / path).write_text("SECRET = 'an answer for next week'\n", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def packed(course: Course) -> bytes:
    return bundle(course, TOPIC)


@pytest.fixture(scope="module")
def members(packed: bytes) -> dict[str, zipfile.ZipInfo]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {entry.filename: entry for entry in archive.infolist()}


@pytest.fixture(scope="module")
def grader(packed: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Grader]]:
    """The unpacked bundle and its grader, opened once for all submissions of this file."""
    root = tmp_path_factory.mktemp("autograder")
    unpack(packed, root / "source")
    with run._grader(root) as opened:
        yield root, opened


@pytest.fixture
def upload(grader: tuple[Path, Grader]) -> Path:
    """An empty folder for what a student uploads."""
    folder = grader[0] / "submission"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def container(packed: bytes, tmp_path_factory: pytest.TempPathFactory) -> Container:
    if os.getuid() != 0:
        pytest.skip("needs root: a container is made of mounts")
    made = Container(tmp_path_factory.mktemp("container"), packed)
    done = made.run("/autograder/source/setup.sh")
    assert done.returncode == 0, done.stderr
    made.finish()
    return made


def graded(opened: tuple[Path, Grader]) -> dict[str, Any]:
    return read_results(run.graded(*opened))


# ------------------------------------------------------------------------------------ the bundle


def test_the_same_course_gives_the_same_bytes(course: Course, packed: bytes) -> None:
    assert bundle(Course(course.root), TOPIC) == packed


def test_scripts_can_be_run_and_secrets_belong_to_their_owner(members: dict[str, zipfile.ZipInfo]) -> None:
    modes = {name: stat.S_IMODE(entry.external_attr >> 16) for name, entry in members.items()}
    assert [name for name, mode in modes.items() if "/" not in name and mode == 0o755] == ["run_autograder", "setup.sh"]
    assert {modes[name] for name in modes if name.startswith("course/")} == {0o600}


def test_the_bundle_holds_what_grading_needs_and_nothing_of_another_assignment(
    course: Course, packed: bytes, members: dict[str, zipfile.ZipInfo]
) -> None:
    held = {name.removeprefix("course/") for name in members if name.startswith("course/")}
    examples = {name for name in held if name.startswith(".autograder/examples/")}
    assert len(examples) == 1
    assert held - examples == {
        ".autograder/seed",
        "nbgrader_config.py",
        f"assignments/{TOPIC}/{TOPIC}.md",
        f"assignments/{TOPIC}/files/numbers.txt",
        f"reference/{TOPIC}.py",
        f"reference/misconceptions/{TOPIC}.py",
        f"reference/variants/{TOPIC}.py",
        f"release/{TOPIC}/manifest.json",
        f"tests/hidden/test_{TOPIC}.py",
    }
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert not [name for name in archive.namelist() if b"an answer for next week" in archive.read(name)]
        assert archive.read("course/.autograder/seed").decode().strip() == Seed.of_course(course.state).secret.hex()


def test_every_package_is_pinned_and_torch_without_its_build() -> None:
    pinned = dict(line.split("==") for line in pins())
    direct = {re.split(r"[<>=;~! ]", line)[0].lower() for line in requirements()}
    assert direct <= {name.replace("_", "-") for name in pinned}
    assert "sympy" in pinned, "what torch needs in turn"
    assert not [line for line in pins() if "+" in line]
    assert "pytest-xdist" not in pinned, "an extra for development"


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(UsageError, match=r"no-such-package is not installed here, .*; install it with pip"):
        package._needs("no-such-package")


def test_an_assignment_that_was_not_released_or_has_changed_since_is_refused(course: Course, tmp_path: Path) -> None:
    other = Course(shutil.copytree(course.root, tmp_path / "course"))
    edit(other.assignment(TOPIC).hidden_tests, '"halve", points=1, gate=True', '"halve", points=2, gate=True')
    with pytest.raises(AuthoringError, match="was released with other questions or totals: 'halve' has 4 points now"):
        bundle(other, TOPIC)
    shutil.rmtree(other.root / "release")
    with pytest.raises(AuthoringError, match="the assignment was not released; run 'autograder release halving'"):
        bundle(other, TOPIC)


def test_the_command_writes_the_archive_for_its_owner_and_warns(
    course: Course, packed: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    command(TOPIC, gradescope=True, course=course.root)
    path, said = course.root / "exports" / f"{TOPIC}-autograder.zip", capsys.readouterr()
    assert said.out == f"{TOPIC} with seed {Seed.of_course(course.state).id}: {path}\n"
    assert "upload it, and give it to nobody" in said.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == packed
    with pytest.raises(UsageError, match="There is one: autograder bundle --gradescope TOPIC"):
        command(TOPIC, course=course.root)


# -------------------------------------------------------------------------- grading what is uploaded


def test_a_right_notebook_wins_all_that_a_program_can_judge(
    course: Course, grader: tuple[Path, Grader], upload: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (upload / NAME).write_bytes(notebook(right(course.root)))
    (upload / "drafts.ipynb").write_bytes(b"another notebook is no hindrance")
    (grader[0] / "submission_metadata.json").write_text(json.dumps(USERS), encoding="utf-8")
    found = graded(grader)
    assert found["score"] == 5.0
    assert {test["status"] for test in found["tests"] if "score" in test} == {"passed"}
    assert "2 points more from questions that a person reads and scores." in found["output"]
    assert capsys.readouterr().out.startswith("ada@example.org, \\x1b[31mbob: 5 of 7, passed\n")
    with Grader(course, TOPIC) as at_home:
        assert found["extra_data"]["autograder"]["seed_id"] == at_home.seed.id
        assert at_home.examples_sha256 == grader[1].examples_sha256


def test_a_wrong_notebook_loses_points_and_reads_why(course: Course, grader: tuple[Path, Grader], upload: Path) -> None:
    (upload / NAME).write_bytes(notebook(right(course.root), WRONG))
    found = graded(grader)
    assert found["score"] < 5.0
    lost = [test for test in found["tests"] if test.get("status") == "failed"]
    assert lost[0]["number"] == "1.1"
    assert "Expected: " in lost[0]["output"]


def test_a_notebook_in_a_folder_is_found(course: Course, grader: tuple[Path, Grader], upload: Path) -> None:
    for place in ("repository/work", "__MACOSX/work", "repository/.ipynb_checkpoints"):
        (upload / place).mkdir(parents=True)
        (upload / place / NAME).write_bytes(notebook(right(course.root)))
    assert graded(grader)["score"] == 5.0


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "no notebook was handed in: halving.ipynb is not there"),
        (("notes.txt",), "halving.ipynb is not there"),
        (("a/Halving (1).ipynb",), "halving.ipynb is not there; rename a/Halving (1).ipynb and hand it in again"),
        (("a.ipynb", "b.ipynb"), "of a.ipynb, b.ipynb, give one that name and hand it in again"),
        (("a/halving.ipynb", "b/halving.ipynb"), "2 files are called halving.ipynb: a/halving.ipynb, b/halving.ipynb"),
        (("\x1b[2J.ipynb",), r"rename \x1b[2J.ipynb and hand it in again"),
    ],
)
def test_what_cannot_be_graded_says_what_to_do(
    grader: tuple[Path, Grader], upload: Path, files: tuple[str, ...], message: str
) -> None:
    for name in files:
        (upload / name).parent.mkdir(exist_ok=True)
        (upload / name).write_bytes(notebook())
    found = graded(grader)
    assert found["score"] == 0.0
    assert message in found["output"]


def test_no_link_is_followed(course: Course, grader: tuple[Path, Grader], upload: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / NAME).write_bytes(notebook(right(course.root)))
    (upload / NAME).symlink_to(tmp_path / "secret" / NAME)
    assert "halving.ipynb is a link, not a notebook" in graded(grader)["output"]
    (upload / NAME).unlink()
    (upload / "folder").symlink_to(tmp_path / "secret")
    assert "halving.ipynb is not there" in graded(grader)["output"]
    (upload / NAME).mkdir()
    assert "halving.ipynb is a folder or a device" in graded(grader)["output"]


def test_an_upload_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "ENTRIES", 3)
    for number in range(4):
        (tmp_path / str(number)).touch()
    with pytest.raises(InvalidSubmission, match="more than 3 files were handed in; hand in the notebook alone"):
        run.find_notebook(tmp_path, NAME)


@pytest.mark.parametrize("text", ["", "[]", '{"users": 3}', '{"users": []}', '{"users": [{"email": 1}]}', "\xff"])
def test_metadata_that_say_nothing_keep_nobody_from_a_grade(tmp_path: Path, text: str) -> None:
    path = tmp_path / "submission_metadata.json"
    assert run.label(path) == "somebody"
    path.write_text(text, encoding="latin-1")
    assert run.label(path) == "somebody"


def test_where_the_grader_fails_there_are_results_without_a_score(
    packed: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unpack(packed, tmp_path / "source")
    (tmp_path / "source/course/tests/hidden" / f"test_{TOPIC}.py").unlink()
    assert run.main([str(tmp_path)]) == 1
    assert (tmp_path / "results" / "results.json").read_bytes() == failed_json()
    assert "the grader failed: assignment 'halving' has no hidden tests" in capsys.readouterr().out
    (tmp_path / "source/bundle.json").write_text("{")
    assert run.main([str(tmp_path)]) == 1
    assert "DecodeError" in capsys.readouterr().out


# -------------------------------------------------------------------------- the scripts in their container


def test_setup_pins_everything_and_takes_torch_first(container: Container) -> None:
    told = container.told()
    assert told[0] == "apt-get update -q"
    assert [line.split()[-1] for line in told if line.startswith("apt-get install")] == [
        f"python3.{minor}-venv" for minor in (13, 12, 11)
    ]
    assert "libseccomp2" in told[3]
    assert told[4] == "python3.11 -m venv /opt/autograder"
    installs = [line for line in told if " pip install " in line]
    torch = next(line for line in pins() if line.startswith("torch=="))
    assert installs[0].endswith(f"-c constraints.txt --extra-index-url https://download.pytorch.org/whl/cpu {torch}")
    assert installs[1].endswith("-c constraints.txt -r requirements.txt")
    assert told[-1] == "python -I -m autograder doctor"


def test_setup_closes_the_course_to_others(container: Container) -> None:
    source = container.autograder / "source"
    assert not [path for path in (source, *source.rglob("*")) if path.stat().st_mode & 0o077]


@pytest.mark.slow
def test_a_hostile_notebook_reaches_nothing_of_the_container(course: Course, container: Container) -> None:
    folder = container.autograder / "submission"
    folder.mkdir(exist_ok=True)
    (folder / NAME).write_bytes(notebook(right(course.root), HOSTILE))
    done = container.run("/autograder/source/run_autograder")
    assert done.returncode == 0, done.stdout + done.stderr
    path = container.autograder / "results" / "results.json"
    found = read_results(path.read_bytes())
    assert found["score"] == 5.0, found
    assert found["extra_data"]["autograder"]["isolation"] == "sandbox"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert (path.stat().st_uid, [p.name for p in path.parent.iterdir()]) == (0, ["results.json"])


def test_where_not_even_python_starts_there_are_honest_results(container: Container) -> None:
    python = container.opt / "autograder/bin/python"
    python.rename(python.with_name("moved"))
    try:
        assert container.run("/autograder/source/run_autograder").returncode != 0
    finally:
        python.with_name("moved").rename(python)
    path = container.autograder / "results" / "results.json"
    assert json.loads(path.read_bytes())["output"] == FAILED
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
