"""What waits for a GPU, and a GPU run that completes it. The GPU here is none: its tests run on the CPU."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from autograder import api, runner
from autograder.course import Course
from autograder.errors import GraderError, UsageError
from autograder.gpu import Gpu
from autograder.health import require_working_gpu
from autograder.judge import judge
from autograder.model import GradeReport, Submission, TestRecord, Verdict, records_of
from autograder.provenance import Options
from autograder.replay import prepare
from autograder.runner import Grader
from autograder.sandbox.process import Sandbox
from autograder.testing.student import Student
from tests.toolkit.handed_in import HALVE, HALVER, IMPORTS, RIGHT
from tests.toolkit.hosts import notebook
from tests.toolkit.tiny import TOPIC, tiny_course

CARD = Gpu(name="no card", memory_bytes=8 << 30, cuda="12.8")
ON_A_GPU = '''

@question("halve", points=1, devices=("cuda",))
def test_halve_on_a_gpu(student):
    """A large tensor is halved on a GPU"""
    assert_matches(student.halve(torch.ones(100)), torch.full((100,), 0.5))


@question("halve", points=1, devices=("cpu",))
def test_halve_on_a_cpu(student):
    """What only makes sense on a CPU"""
    assert_matches(student.halve(torch.ones(3)), torch.full((3,), 0.5))
'''
DEADLY_HALVER = HALVER.replace("self.calls += 1", "__import__('os')._exit(0)")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    found = tiny_course(tmp_path_factory.mktemp("deferred"))
    tests = found.root / "tests" / "hidden" / f"test_{TOPIC}.py"
    tests.write_text(tests.read_text(encoding="utf-8") + ON_A_GPU, encoding="utf-8")
    for student, cells in {
        "ada": (RIGHT,),
        "bob": (f"{IMPORTS}\n{HALVE}\n{DEADLY_HALVER}",),
        "eve": (RIGHT.replace("0.5", "0.4"),),
    }.items():
        path = found.submitted / student / TOPIC / f"{TOPIC}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(notebook(*cells))
    return Course(found.root)


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything as on a GPU but the calls."""
    begin = Student.begin
    monkeypatch.setattr(Student, "begin", lambda self, seed=0, device="cpu": begin(self, seed))
    monkeypatch.setattr(runner, "require_working_gpu", lambda sandbox: None)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the tests that were judged."""
    names: list[str] = []

    def noted(test: Any, examples: Sequence[bytes], bench: Any) -> TestRecord:
        names.append(test.name)
        return judge(test, examples, bench)

    monkeypatch.setattr(runner, "judge", noted)
    yield names
    names.clear()


def in_this_process(
    root: Path, topic: str, submissions: Sequence[Submission], options: bytes, jobs: int, broken: Callable[..., Any]
) -> Iterator[GradeReport]:
    with Grader(Course(root), topic, msgspec.json.decode(options, type=Options)) as grader:
        grader.wait_ready()
        yield from map(grader.grade, submissions)


def grade(course: Course, **told: Any) -> tuple[dict[str, GradeReport], dict[str, list[str]]]:
    reasons = {}

    def landed(report: GradeReport, previous: GradeReport | None, changed: Sequence[str]) -> None:
        reasons[report.student] = list(changed)

    options = Options(isolation="process", explain=False, **told)
    order = api.Order(TOPIC, course.submitted, course.results, options=options, engine=in_this_process, gradebook=False)
    graded = api.grade_class(course, order, lambda total, to_grade: None, landed)
    return {report.student: report for report in graded.reports}, reasons


def test_what_waits_for_a_gpu_is_completed_there_and_nothing_graded_twice(
    course: Course, pretended: None, asked: list[str]
) -> None:
    before, _ = grade(course)
    assert (before["ada"].score, before["ada"].pending_points, before["ada"].verdict) == (6.0, 1.0, Verdict.DEFERRED)
    assert before["bob"].verdict is Verdict.CRASHED
    assert "a machine with a GPU" in (course.root / "feedback" / "ada" / f"{TOPIC}.html").read_text(encoding="utf-8")
    asked.clear()

    after, reasons = grade(course, device="cuda", gpu=CARD)
    assert asked == ["test_halve_on_a_gpu"] * 3, "every other record is kept, of a submission that died as well"
    assert (after["ada"].score, after["ada"].pending_points, after["ada"].verdict) == (7.0, 0.0, Verdict.PASSED)
    assert after["eve"].score < after["ada"].score
    assert reasons == {student: ["device"] for student in ("ada", "bob", "eve")}
    for student, report in before.items():
        kept = {record.name: record for record in records_of(after[student])}
        for record in records_of(report):
            assert record.verdict is Verdict.DEFERRED or kept[record.name] == record
    assert {record.name: record.device for record in records_of(after["ada"])} == {
        record.name: "cuda" if record.name == "test_halve_on_a_gpu" else "cpu" for record in records_of(before["ada"])
    }
    assert after["ada"].provenance.gpu == "no card, CUDA 12.8, no TF32"

    asked.clear()
    with course.assignment(TOPIC).hidden_tests.open("a", encoding="utf-8") as file:
        file.write("# a comment\n")
    after, _ = grade(Course(course.root))
    assert after["ada"].provenance.gpu == "no card, CUDA 12.8, no TF32", "what is kept was computed there"
    for told in ({}, {"device": "cuda", "gpu": CARD}):
        again, _ = grade(Course(course.root), **told)
        assert again == after
    assert asked == []


def test_a_comment_starts_nobody_who_waits_for_a_gpu(course: Course, asked: list[str], tmp_path: Path) -> None:
    apart = Course(shutil.copytree(course.root, tmp_path / "course"))
    shutil.rmtree(apart.results)
    before, _ = grade(apart)
    with apart.assignment(TOPIC).hidden_tests.open("a", encoding="utf-8") as file:
        file.write("# another comment\n")
    asked.clear()
    after, reasons = grade(Course(apart.root))
    assert asked == []
    assert {student: report.pending_points for student, report in after.items()} == {
        student: report.pending_points for student, report in before.items()
    }
    assert reasons["ada"] == ["tests"]


def test_replay_runs_each_test_where_it_ran(course: Course, pretended: None, tmp_path: Path) -> None:
    """Of a class that was completed on a GPU; without one, tests that ran on the CPU can be repeated alone."""
    apart = Course(shutil.copytree(course.root, tmp_path / "course"))
    shutil.rmtree(apart.results)
    grade(apart)
    record = grade(apart, device="cuda", gpu=CARD)[0]["ada"]
    grader = Grader(apart, TOPIC, Options(isolation="process", explain=False, device="cuda", gpu=CARD))
    with grader:
        grader.devices = {each.name: each.device for each in records_of(record)}
        path = apart.submitted / "ada" / TOPIC / f"{TOPIC}.ipynb"
        again = grader.grade(Submission(student="ada", assignment=TOPIC, path=path))
    assert {each.name: each.device for each in records_of(again)} == grader.devices
    whole, one, other = (
        [change.blocks for change in prepare(apart, record, test=test).changes if change.what == "the device"]
        for test in (None, "test_halve_on_a_cpu", "test_halve_on_a_gpu")
    )
    assert (whole, one, other) == ([True], [False], [True])


def test_a_whole_run_on_a_gpu_needs_no_other(course: Course, pretended: None, tmp_path: Path) -> None:
    apart = Course(tiny_course(tmp_path).root)
    tests = apart.root / "tests" / "hidden" / f"test_{TOPIC}.py"
    tests.write_text(tests.read_text(encoding="utf-8") + ON_A_GPU, encoding="utf-8")
    path = apart.submitted / "ada" / TOPIC / f"{TOPIC}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(notebook(RIGHT))
    report = grade(apart, device="cuda", gpu=CARD)[0]["ada"]
    assert (report.score, report.pending_points) == (7.0, 0.0)
    devices = {record.name: record.device for record in records_of(report)}
    assert devices.pop("test_halve_on_a_cpu") == "cpu"
    assert set(devices.values()) == {"cuda"}


def test_without_a_gpu_a_grader_for_one_says_so(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "find", lambda: None)
    with pytest.raises(UsageError, match="no GPU that torch can use on this machine; grade on the CPU: --device cpu"):
        Grader(course, TOPIC, Options(isolation="process", device="cuda"))


def test_gpu_that_does_not_work_is_our_fault() -> None:
    """A card that no driver knows: the process dies of the first call, before any line of a student's."""
    with Sandbox("process", gpu=CARD) as sandbox:
        sandbox.wait_ready()
        with pytest.raises(GraderError, match=r"the no card does not work in the sandbox: .*; see 'autograder doctor'"):
            require_working_gpu(sandbox)


def test_fault_of_the_gpu_costs_its_call_and_not_the_submission(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a card every call on one ends as on a card that broke."""
    monkeypatch.setattr(runner, "require_working_gpu", lambda sandbox: None)
    with Grader(course, TOPIC, Options(isolation="process", explain=False, device="cuda", gpu=CARD)) as grader:
        grader.wait_ready()
        path = course.submitted / "ada" / TOPIC / f"{TOPIC}.ipynb"
        report = grader.grade(Submission(student="ada", assignment=TOPIC, path=path))
    found = {record.name: record for record in records_of(report)}
    gate = found["test_halve_gives_half_of_every_entry"]
    assert (gate.verdict, gate.message) == (
        Verdict.CRASHED,
        "the GPU reported a fault in this call, such as an index out of range",
    )
    assert report.verdict is Verdict.CRASHED
