"""The benchmarks measure what they say: everything that ran is counted, and what is timed did its work."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.examples import run_example
from autograder.model import Limits, Submission, Verdict
from autograder.runner import Grader
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.specimens import Specimen, answers_alone, specimens
from benchmarks import classes, ours, ray_executor
from benchmarks.__main__ import main, options
from benchmarks.direct import Direct
from benchmarks.floor import Bench, cells_executed, rows
from benchmarks.measure import BenchmarkError, Spread, Used, run, stopwatch
from benchmarks.peers import _require_expected
from benchmarks.table import Table, page
from tests.toolkit.tiny import TOPIC, tiny_course

ROOT = Path(__file__).parents[2]

BURN = "import time\nwhile time.process_time() < 0.5: pass\n"
# The middle process ends at once: the one that works has lost its parent when it ends.
BURN_AS_ORPHAN = (
    f"import os\nif os.fork() == 0:\n    if os.fork() == 0:\n        exec({BURN!r})\n    os._exit(0)\nos.wait()\n"
)


def numbers(cell: object) -> list[float]:
    if isinstance(cell, dict):
        return [cell["median"], *cell["values"]]
    return [float(cell)] if isinstance(cell, int | float) else []


# ------------------------------------------------------------------------------------- the command


@pytest.mark.slow
def test_a_quick_run_writes_tables_and_a_plot(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--part", "scale", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "speed.json").read_bytes())
    by_title = {table["title"]: table["rows"] for table in found["tables"]}
    assert [row["submissions"] for row in by_title["Cost by the size of the class"]] == [1]
    assert {row["process"]: row["seen"] >= 1 for row in by_title["Memory"]} == {
        "grading process": True,
        "student process, its own": True,
    }
    measured = [n for rows in by_title.values() for row in rows for cell in row.values() for n in numbers(cell)]
    assert len(measured) > 10
    assert all(0 < number < math.inf for number in measured)
    written = (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert written in done.stdout
    assert all(f"| {name} | " in written for name in ("processor", "cores", "memory", "Python", "torch", "nbgrader"))
    assert b"<svg" in (tmp_path / "speed.svg").read_bytes()
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")


def test_a_part_that_fails_ends_the_run_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--part", "floor", "--topic", "nowhere", "--output", str(tmp_path)]) == 1
    assert "error: floor: no assignment 'nowhere'" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "many"])
def test_repeats_are_counted_from_one(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options(["--repeat", text])
    assert f"'{text}' is no whole number from 1 on" in capsys.readouterr().err


# ----------------------------------------------------------------------------------- what is counted


def test_a_commands_time_holds_that_of_processes_that_lost_their_parents(tmp_path: Path) -> None:
    assert run([sys.executable, "-c", BURN_AS_ORPHAN], tmp_path).cpu >= 0.5


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"ended with 3:\nno kernel"):
        run([sys.executable, "-c", "print('no kernel'); raise SystemExit(3)"], tmp_path)


def test_cpu_time_of_a_student_process_counts() -> None:
    notebook = answers_alone(BURN)
    with Sandbox() as sandbox:
        sandbox.wait_ready()

        def grade() -> None:
            session = Session(sandbox, notebook, Limits())
            session.open()
            session.close()

        used = stopwatch(grade)[1]
    # The sandbox itself takes a tenth of it; three readings, each rounded down to a tick of the kernel's.
    assert used >= 0.5 - 0.03


# ------------------------------------------------------------------------------------------ the floor


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("bench")
    with Grader(tiny_course(folder), TOPIC) as grader:
        yield Bench(grader, folder)


def known(bench: Bench, *kinds: str) -> list[Specimen]:
    found = specimens(bench.grader.course, bench.grader.assignment, bench.grader.suite)
    return [one for one in found if one.kind in kinds]


def failing_on_the_floor(bench: Bench, notebook: bytes) -> set[str]:
    student, reference = Direct(cells_executed(notebook)), Direct(vars(bench._reference()))
    failing = set()
    for test in bench.grader.suite.tests:
        student.begin()
        reference.begin()
        try:
            for data in bench.grader.examples[test.name]:
                run_example(test, data, student, reference)
        except Exception:  # noqa: BLE001 - whatever it is, the test fails
            failing.add(test.name)
    return failing


def failing_in_the_sandbox(bench: Bench, notebook: bytes) -> set[str]:
    path = bench.folder / "one" / TOPIC / f"{TOPIC}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(notebook)
    report = bench.grader.grade(Submission(student="one", assignment=TOPIC, path=path))
    return {test.name for q in report.questions for test in q.tests if test.verdict is not Verdict.PASSED}


def test_on_the_floor_the_same_tests_fail_as_in_the_sandbox(bench: Bench) -> None:
    compared = known(bench, "reference", "variant", "misconception")
    assert len(compared) > 6
    found = {one.name: failing_on_the_floor(bench, one.notebook) for one in compared}
    assert found == {one.name: failing_in_the_sandbox(bench, one.notebook) for one in compared}
    assert [bool(found[one.name]) for one in compared] == [one.kind == "misconception" for one in compared]


def test_a_wrong_answer_ends_the_measurement_of_the_floor(bench: Bench) -> None:
    wrong, *_ = known(bench, "misconception")
    with pytest.raises(BenchmarkError, match=r"^halving: test_halve\w+ fails on the floor: Mismatch"):
        bench._run_bodies(Direct(cells_executed(wrong.notebook)), Direct(vars(bench._reference())))
    with pytest.raises(BenchmarkError, match=r"a right answer, ends test_halve\w+ as failed"):
        bench._graded_right(wrong.name, wrong.notebook)
    right, *_ = known(bench, "variant")
    with pytest.raises(BenchmarkError, match="has full marks"):
        bench._graded(Specimen("misconception", right.name, right.question, right.notebook))


def test_rows_of_the_floor_hold_positive_numbers(bench: Bench) -> None:
    floor, mixed = rows(bench.grader.course, TOPIC, 1, whole=True)
    for row in (floor, mixed):
        plain = Table("floor", "", "", [row]).plain()["rows"][0]
        assert plain["assignment"] == TOPIC
        measured = [n for name, cell in plain.items() if "CPU" not in name for n in numbers(cell)]
        assert measured
        assert all(0 < number < math.inf for number in measured)
    assert (floor["tests"], mixed["right"], mixed["wrong"]) == (5, 3, 3)


# ------------------------------------------------------------------------------------------ the class


def fulfilled(source: str) -> list[bool]:
    """Which of the ten checks an answer fulfils."""
    found = []
    for check in classes.CHECKS:
        namespace: dict[str, object] = {}
        exec(source, namespace)  # noqa: S102 - our own answers
        try:
            exec(check.source, namespace)  # noqa: S102 - our own checks
        except AssertionError:
            found.append(False)
        else:
            found.append(True)
    return found


def test_a_third_of_the_class_is_wrong_in_several_ways() -> None:
    kinds = [tuple(fulfilled(classes.answers(number))) for number in range(12)]
    assert [all(kind) for kind in kinds] == [not classes.is_wrong(number) for number in range(12)]
    assert [classes.is_wrong(number) for number in range(6)] == [False, False, True, False, False, True]
    assert len({kind for kind in kinds if not all(kind)}) == len(classes.MISTAKES)
    assert len({classes.answers(number) for number in range(12)}) == 12


@pytest.mark.parametrize("scores", [{}, {"student00000": 9.0}, {"student00000": 10.0, "student00002": 10.0}])
def test_a_peer_that_gives_other_points_is_no_measurement(scores: dict[str, float]) -> None:
    right = {"student00000": 10.0, "student00001": 10.0, "student00002": 9.0}
    _require_expected("nbgrader", right, 3)
    with pytest.raises(BenchmarkError, match="nbgrader gives student0000"):
        _require_expected("nbgrader", (right if len(scores) > 1 else {}) | scores, 3)


# ------------------------------------------------------------------------------------------ the tables


def test_a_spread_is_its_median_and_its_ends() -> None:
    taken, base = Spread.of([3.0, 100.0, 20.0]), Spread.of([1.0, 50.0, 4.0])
    assert (taken.median, taken.per(10).values, taken.over(base).values) == (20.0, (0.3, 10.0, 2.0), (3.0, 2.0, 5.0))
    table = Table("peers", "Title", "What was done.", [{"grader": "ours", "s": taken, "one": Spread.of([0.0123])}])
    assert "| grader | s | one |\n| --- | --- | --- |\n| ours | 20.0 (3-100) | 0.0123 |" in table.markdown()
    assert table.plain()["rows"] == [
        {
            "grader": "ours",
            "s": {"median": 20.0, "values": [3.0, 100.0, 20.0]},
            "one": {"median": 0.0123, "values": [0.0123]},
        }
    ]
    assert page({"cores": "2"}, "python -m benchmarks", [table]).startswith(
        "# Speed\n\nMade by `python -m benchmarks`."
    )


def test_executors_take_turns_and_are_compared_repeat_by_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, asked = iter([2.0, 6.0, 3.0, 6.0]), []

    def grade(folder: Path, count: int, *options: str) -> Used:
        assert (folder / "submitted").is_dir()
        asked.append(options)
        return Used(next(seconds), 1.0, 1)

    rates = iter([10.0, 9.0, 10.0, 8.0])
    monkeypatch.setattr("benchmarks.ours.grade", grade)
    monkeypatch.setattr("benchmarks.ours.once_warm", lambda *_: next(rates))
    (table,) = ray_executor.measure(2, quick=True)
    assert asked == [("--executor", name, "--jobs", "1") for name in ("local", "ray", "local", "ray")]
    assert [(row["executor"], row["wall s"], row["of local"]) for row in table.rows] == [
        ("local", Spread.of([2.0, 3.0]), Spread.of([1.0, 1.0])),
        ("ray", Spread.of([6.0, 6.0]), Spread.of([0.9, 0.8])),
    ]


def test_what_is_counted_once_warm_leaves_the_first_fifth_out(tmp_path: Path) -> None:
    landed = [0, 100, 101, 102, 103, 104, 105, 106, 107, 108]  # the first one waits for everything to start
    for number, second in enumerate(landed):
        path = tmp_path / "results" / classes.TOPIC / f"{classes.student(number)}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", encoding="utf-8")
        os.utime(path, (second, second))
    assert ours.once_warm(tmp_path, len(landed)) == 1.0


def test_a_part_that_is_not_available_says_so_without_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (table,) = ray_executor.measure(1, quick=True)
    assert table.markdown() == "## Ray beside local\n\nnot available: Ray is not installed\n"
