"""The command line in real processes, on the tiny course: exit codes, messages, files."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.toolkit.command_line import WRONG, Run, command, environment, hand_in, report, right, runner
from tests.toolkit.tiny import TOPIC, edit, tiny_course


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return tiny_course(tmp_path).root


@pytest.fixture
def run(course: Path) -> Run:
    return runner(course)


def test_grade_writes_results_json_junit_and_pages(course: Path, run: Run) -> None:
    hand_in(course, "ada", right(course))
    hand_in(course, "bob", right(course) + WRONG)
    hand_in(course, "eve", "this is no Python")
    done = run("grade", TOPIC, "--db", "none", "--json", "all.json", "--junit", "all.xml", "--jobs", "2")
    assert [report(course, name)["score"] for name in ("ada", "bob", "eve")] == [5.0, 0.0, 0.0]
    assert report(course, "eve")["verdict"] == "missing"
    assert [entry["student"] for entry in json.loads((course / "all.json").read_bytes())] == ["ada", "bob", "eve"]
    suites = ElementTree.parse(course / "all.xml").getroot().findall("testsuite")  # noqa: S314 - our own file
    assert [len(suite.findall(".//failure")) for suite in suites] == [0, 2, 5]
    assert (course / "feedback" / "bob" / f"{TOPIC}.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "ada" in done.stdout
    assert not (course / "gradebook.db").exists()


def test_a_second_run_grades_only_what_changed_and_says_what_did(course: Path, run: Run) -> None:
    hand_in(course, "ada", right(course))
    path = hand_in(course, "bob", right(course) + WRONG)
    run("grade", TOPIC, "--db", "none")
    before = report(course, "ada")
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = [course / folder / f".ada.json.{gone.pid}" for folder in (".autograder", f"results/{TOPIC}", "feedback/ada")]
    for file in left:
        file.touch()
    path.write_bytes((course / "submitted" / "ada" / TOPIC / f"{TOPIC}.ipynb").read_bytes())
    done = run("grade", TOPIC, "--db", "none")
    assert "1 of 2 submissions are up to date" in done.stderr
    assert "bob: 0 -> 5 (submission changed)" in done.stderr
    assert report(course, "ada") == before
    assert not any(file.exists() for file in left)
    run("grade", TOPIC, "--db", "none", "--force", "--student", "ada")
    assert report(course, "ada")["provenance"]["started"] >= before["provenance"]["started"]
    assert report(course, "ada")["score"] == before["score"]


def test_an_edit_of_the_hidden_tests_grades_again_with_the_reason(course: Path, run: Run) -> None:
    hand_in(course, "bob", right(course) + "\nclass Halver(Halver):\n    def _count(self):\n        pass\n")
    run("grade", TOPIC, "--db", "none")
    assert report(course, "bob")["score"] == 4.5
    tests = course / "tests" / "hidden" / f"test_{TOPIC}.py"
    edit(tests, 'assert_matches(halver.get("calls"), torch.tensor(calls))', "assert calls >= 0")
    assert "bob: 4.5 -> 5 (test_halver_counts_its_calls changed)" in run("grade", TOPIC, "--db", "none").stderr


def test_a_grading_process_that_dies_is_our_fault_and_leaves_the_earlier_grade(course: Path, run: Run) -> None:
    hand_in(course, "ada", right(course))
    hand_in(course, "bob", right(course) + WRONG)
    run("grade", TOPIC, "--db", "none")
    # A bug in a hidden test that only one answer sets off, the worst there can be: the worker is gone.
    bug = "import os\n    if student.halve(torch.ones(1)).item() == 1:\n        os.kill(os.getpid(), 9)"
    edit(
        course / "tests" / "hidden" / f"test_{TOPIC}.py",
        "    assert_inputs_untouched(student.halve, x)",
        f"    {bug}\n    assert_inputs_untouched(student.halve, x)",
    )
    done = run("grade", TOPIC, "--db", "none", "--jobs", "1", code=1)
    assert "died 2 times" in done.stdout
    assert report(course, "bob")["verdict"] == "failed"
    error = json.loads((course / "results" / TOPIC / "errors" / "bob.json").read_bytes())
    assert (error["verdict"], error["score"]) == ("grader_error", 0.0)
    assert report(course, "ada")["score"] == 5.0


def auto_scores(course: Path) -> dict[str, float]:
    query = (
        "select submitted_assignment.student_id, sum(grade.auto_score) from grade "
        "join submitted_notebook on grade.notebook_id = submitted_notebook.id "
        "join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id group by 1"
    )
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as database:
        return dict(database.execute(query).fetchall())


def test_what_was_graded_without_a_gradebook_reaches_it_later_and_after_it_was_lost(course: Path, run: Run) -> None:
    run("release")
    hand_in(course, "ada", right(course))
    hand_in(course, "bob", right(course) + WRONG)
    run("grade", TOPIC, "--db", "none")
    assert not (course / "gradebook.db").exists()
    for _ in range(2):
        assert "2 of 2 submissions are up to date" in run("grade", TOPIC).stderr
        assert auto_scores(course) == {"ada": 5.0, "bob": 0.0}
        (course / "gradebook.db").unlink()


def test_interrupted_keeps_what_was_graded_and_goes_on_from_there(course: Path, run: Run) -> None:
    hand_in(course, "ada", right(course))
    hand_in(course, "zoe", right(course), "while True: pass")
    arguments = command("grade", TOPIC, "--db", "none", "--jobs", "1")
    process = subprocess.Popen(arguments, cwd=course, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    graded = course / "results" / TOPIC / "ada.json"
    with os.fdopen(os.pidfd_open(process.pid)) as ended:
        while not graded.exists() and not select.select([ended], [], [], 0.02)[0]:
            pass
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 3, errors
    assert b"what was graded is kept" in errors
    assert not (course / "results" / TOPIC / "zoe.json").exists()
    hand_in(course, "zoe", right(course))  # the next run need not wait for the loop's end
    assert "1 of 2 submissions are up to date" in run("grade", TOPIC, "--db", "none").stderr
    assert report(course, "zoe")["score"] == 5.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grade", "halvign"), "did you mean 'halving'?"),
        (("grade", TOPIC, "--submitted", "nowhere"), "is not a folder; they lie at"),
        (("grade", TOPIC, "--student", "nobody"), "no submission of 'halving' by 'nobody'"),
        (("grade", TOPIC, "--isolation", "prayer"), "prayer"),
        (("grade", TOPIC, "--jobs", "-1"), "--jobs"),
        (("grade", TOPIC, "--device", "cuda"), "--device cuda: there is no NVIDIA driver"),
        (("grade", TOPIC, "--ray-gpus", "0.5"), "add --executor ray"),
        (("grade", TOPIC, "--executor", "ray", "--ray-address", "ray://head:10001"), "Ray Client cannot be used"),
        (("feedback", TOPIC), "grade first"),
        (("nonsense",), "nonsense"),
        (("grade", TOPIC, "--course", "/"), "no course at /"),
        (("release", "--course", "unwritable"), "/unwritable/release/halving: File exists; put that right"),
        (("seed", "--course", "unwritable"), "/unwritable/.autograder/seed: File exists; put that right"),
        (("demo", "--output", "file/demo"), "/file/demo: Not a directory; put that right"),
    ],
)
def test_wrong_use_ends_with_2_and_says_the_way_out(
    course: Path, run: Run, arguments: tuple[str, ...], message: str
) -> None:
    hand_in(course, "ada", right(course))
    (course / "file").touch()
    unwritable = tiny_course(course / "elsewhere").root.rename(course / "unwritable")
    for name in ("release", ".autograder"):
        (unwritable / name).touch()
    done = run(*arguments, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_author_error_names_the_file(course: Path, run: Run) -> None:
    hand_in(course, "ada", right(course))
    edit(course / "reference" / f"{TOPIC}.py", "_FACTOR = 0.5", "_FACTOR = nothing")
    done = run("grade", TOPIC, "--db", "none", code=2)
    assert f"reference/{TOPIC}.py, line 8: importing it raised NameError" in done.stderr


def test_a_message_is_printed_letter_by_letter(course: Path, run: Run) -> None:
    edit(course / "assignments" / TOPIC / f"{TOPIC}.md", ":question: halve", ":tags: [x]")
    assert ":question: halve" in run("release", code=2).stderr  # which a console may take for a sign to draw


def test_a_folder_name_that_is_no_student_id_is_left_out_and_said(course: Path, run: Run) -> None:
    hand_in(course, "ada", right(course))
    hand_in(course, "x\x1b[31m", right(course))
    done = run("grade", TOPIC, "--db", "none")
    assert r"'x\\x1b[31m' is no student id" in done.stderr
    assert "\x1b[31m" not in done.stdout + done.stderr


def test_process_isolation_is_asked_for_by_name_and_recorded(course: Path, run: Run) -> None:
    hand_in(course, "ada", right(course))
    run("grade", TOPIC, "--db", "none", "--isolation", "process")
    assert report(course, "ada")["provenance"]["isolation"] == "process"
    assert report(course, "ada")["score"] == 5.0


def test_doctor_says_promise_by_promise_what_holds(run: Run) -> None:
    told = json.loads(run("doctor", "--json").stdout)
    assert [promise["promise"][0] for promise in told["promises"]] == list("123456")
    assert all(promise["holds"] for promise in told["promises"])
    assert {"python", "torch", "cuda"} <= told["machine"].keys()


def test_release_check_shows_what_differs(course: Path, run: Run) -> None:
    assert "differs" in run("release", "--check", code=1).stdout
    assert "written" in run("release").stdout
    assert "up to date" in run("release", "--check").stdout
    edit(course / "release" / TOPIC / "manifest.json", '"halve"', '"halved"')
    done = run("release", "--check", TOPIC, code=1)
    assert '-      "name": "halved"' in done.stdout


def test_points_that_changed_after_release_stop_grading(course: Path, run: Run) -> None:
    hand_in(course, "ada", right(course))
    run("release")
    edit(
        course / "tests" / "hidden" / f"test_{TOPIC}.py",
        'question("halve", points=1, gate',
        'question("halve", points=2, gate',
    )
    done = run("grade", TOPIC, "--db", "none", code=2)
    assert "halve" in done.stderr
    assert "autograder release" in done.stderr


def test_a_command_does_not_wait_for_a_parser_that_it_never_needs(course: Path) -> None:
    told = "print([name in sys.modules for name in ('jsonschema', 'lark')])"
    program = f"import atexit, sys; from autograder.cli import main; atexit.register(lambda: {told}); main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "release"],
        cwd=course,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("[True, False]\n")


# ------------------------------------------------------------------------------------------- the proofs


def test_verify_coverage_names_what_nobody_notices(run: Run, course: Path) -> None:
    done = run("verify", TOPIC, "--coverage", "--jobs", "1", "--table", "out/table.md", code=1)
    assert "EMPTY  halve  aliasing  shares memory with x: " in done.stdout
    assert "halve  whole-half  halve_rounding_down: test_halve_gives_half_of_every_entry" in done.stdout
    assert "    -  halve  stability  : no test of the tiny course draws large numbers" in done.stdout
    cells, empty = re.findall(r"(\d+) cells, (\d+) of them empty", done.stdout)[0]
    assert done.stdout.count("EMPTY") == int(empty) > 0
    table = (course / "out" / "table.md").read_text(encoding="utf-8")
    assert table.count("| halve |") + table.count("| Halver |") == int(cells)


def test_verify_mutants_lists_survivors(run: Run, course: Path) -> None:
    edit(
        course / "tests/hidden/test_halving.py", "assert_raises(student.halve", "(lambda *_, **__: None)(student.halve"
    )
    done = run("verify", TOPIC, "--mutants", "--jobs", "1", "--table", "mutants.md", code=1)
    assert "SURVIVES  halving: _require_floating: if not x.is_floating_point(): -> if False:" in done.stdout
    assert re.search(r"halving: \d+ mutants, \d+ killed, 0 equivalent, \d+ unexplained", done.stdout)
    assert "# Mutants of the model solutions" in (course / "mutants.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--coverage", "--mutants"), "--coverage and --mutants are two proofs: ask for one at a time"),
        (("--table", "t.md"), "--table belongs to --coverage or --mutants, --sample to --mutants"),
        (("--coverage", "--sample", "3"), "--table belongs to --coverage or --mutants, --sample to --mutants"),
    ],
)
def test_verify_options_that_do_not_go_together(run: Run, options: tuple[str, ...], said: str) -> None:
    assert said in run("verify", TOPIC, *options, code=2).stderr


def test_verify_mutants_without_its_libraries(course: Path) -> None:
    program = "import sys; sys.modules['libcst'] = None; from autograder.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "verify", TOPIC, "--mutants"],
        cwd=course,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--mutants needs libcst; install it: pip install 'autograder[mutants]'" in done.stderr
