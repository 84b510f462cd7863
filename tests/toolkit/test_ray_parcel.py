"""What travels to the machines of a cluster, and what a machine makes of it; no cluster is needed."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from autograder.cluster.engine import RayEngine, quick_path
from autograder.cluster.parcel import Parcel, Started, Work, pack, unpack, why_none_starts
from autograder.cluster.worker import reading, require_the_same, submission_of
from autograder.course import Course
from autograder.errors import (
    AuthoringError,
    AutograderError,
    GraderError,
    InvalidSubmission,
    IsolationError,
    UsageError,
)
from autograder.examples import examples_path
from autograder.provenance import Options, basis_of
from autograder.seed import Seed
from autograder.suite import collect
from tests.toolkit.command_line import hand_in
from tests.toolkit.tiny import TOPIC, edit, tiny_course
from tests.toolkit.tiny_class import graded


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


@pytest.fixture
def parcel(course: Course) -> Parcel:
    return pack(course, TOPIC, Options(isolation="process"))


def test_a_parcel_is_enough_to_grade_and_gives_the_same_basis(course: Course, parcel: Parcel, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(parcel), type=Parcel)
    unpacked = unpack(sent, there)
    require_the_same(basis_of(unpacked.assignment(TOPIC), Seed(sent.secret), sent.options), parcel.basis)
    here = Seed.of_course(course.state)
    assert graded_examples(unpacked, Seed(sent.secret)) == graded_examples(course, here) != []
    assert not (there / ".autograder" / "seed").exists()


def graded_examples(course: Course, seed: Seed) -> list[Path]:
    """Where the stored examples lie that a grader in ``course`` takes."""
    path = examples_path(course, collect(course, course.assignment(TOPIC)), seed, "graded")
    return [path.relative_to(course.root)] if path.is_file() else []


def test_a_parcel_holds_no_submission_no_seed_file_and_no_configuration(course: Course, tmp_path: Path) -> None:
    hand_in(course.root, "ada", "x = 1")
    (course.root / "tests" / "hidden" / "test_another.py").write_text("", encoding="utf-8")
    (course.root / "tests" / "hidden" / "helper.py").write_text("", encoding="utf-8")
    found = pack(course, TOPIC, Options())
    names = set(found.files)
    assert {f"tests/hidden/test_{TOPIC}.py", "tests/hidden/helper.py", f"reference/{TOPIC}.py"} <= names
    assert not {
        name for name in names if "another" in name or "config" in name or "submitted" in name or "seed" in name
    }


def test_an_author_s_mistake_is_told_where_the_course_lies(course: Course) -> None:
    edit(course.assignment(TOPIC).reference, "_FACTOR = 0.5", "_FACTOR = nothing")
    with pytest.raises(
        AuthoringError, match=rf"^{course.root}/reference/halving.py, line \d+: importing it raised NameError"
    ):
        pack(course, TOPIC, Options())


def test_a_parcel_does_not_show_what_it_holds(course: Course, parcel: Parcel) -> None:
    assert repr(parcel) == f"<parcel of {TOPIC}>"


def test_a_machine_with_other_versions_refuses(parcel: Parcel) -> None:
    other = dataclasses.replace(parcel.basis, versions=msgspec.structs.replace(parcel.basis.versions, torch="1.0"))
    with pytest.raises(UsageError, match=r"^torch 1.0 instead of .*; install the same versions on every machine$"):
        require_the_same(other, parcel.basis)


@pytest.mark.parametrize("kind", [UsageError, IsolationError, AuthoringError, GraderError])
def test_an_error_of_a_machine_arrives_as_itself(kind: type[AutograderError]) -> None:
    sent = msgspec.msgpack.encode(Started.refusing("node", kind("no Landlock"), "worker-7"))
    with pytest.raises(kind, match=r"^on worker-7, a machine of the cluster: no Landlock$") as caught:
        msgspec.msgpack.decode(sent, type=Started).check()
    assert caught.type is kind
    Started("node").check()


def test_a_process_that_cannot_be_made_or_dies_at_once_is_explained() -> None:
    missing = "The actor died\n\x1b[36mray::X\nModuleNotFoundError: No module named 'autograder'\n"
    with pytest.raises(UsageError) as caught:
        raise why_none_starts(missing, not_made=True)
    assert str(caught.value) == (
        "a machine of the cluster cannot make a grading process: ModuleNotFoundError: No module named 'autograder'; "
        "install the same autograder on every machine"
    )
    with pytest.raises(GraderError, match=r"^grading processes die on the cluster before they start: It was killed\.$"):
        raise why_none_starts("The actor died\nIt was killed.", not_made=False)


def test_a_notebook_that_cannot_be_read_is_the_student_s_fault_on_the_machine_too() -> None:
    assert reading(Work("ada", TOPIC, (), notebook=b"{}"))() == b"{}"
    with pytest.raises(InvalidSubmission, match="is a link"):
        reading(Work("ada", TOPIC, (), fault="halving.ipynb is a link"))()


def test_an_earlier_report_goes_along() -> None:
    earlier = graded("ada")
    work = Work("ada", TOPIC, ("halve",), earlier=earlier.to_json())
    sent = submission_of(msgspec.msgpack.decode(msgspec.msgpack.encode(work), type=Work))
    assert (sent.student, sent.questions, sent.earlier) == ("ada", ("halve",), earlier)
    assert submission_of(Work("ada", TOPIC, ())).earlier is None


def test_the_folder_on_a_machine_is_private_and_gone_when_its_process_was_killed() -> None:
    source = "from autograder.cluster.folder import private_folder; print(private_folder(), flush=True); input()"
    command = [sys.executable, "-c", source]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "secret").write_text("x", encoding="utf-8")
        os.kill(process.pid, signal.SIGKILL)
    while folder.exists():
        os.sched_yield()


def test_ray_s_own_processes_do_without_the_parser_that_nobody_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import rfc3987_syntax"]
    variables = os.environ | {"PYTHONPATH": quick_path(tmp_path)}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.stderr.endswith("ImportError: left out: see autograder.cli\n")


def test_without_ray_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"Ray is not installed here; pip install 'autograder\[ray\]'"):
        RayEngine()
