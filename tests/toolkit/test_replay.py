"""A grading repeated from its record, in real processes on the tiny course; and a course's seeds."""

from __future__ import annotations

import json
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.toolkit.command_line import WRONG, Run, hand_in, report, result, right, runner
from tests.toolkit.tiny import TOPIC, edit, tiny_course

HALF = "test_halve_gives_half_of_every_entry"


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a right and a wrong submission, graded once; tests work on copies."""
    course = tiny_course(tmp_path_factory.mktemp("graded")).root
    hand_in(course, "ada", right(course))
    hand_in(course, "bob", right(course) + WRONG)
    runner(course)("grade", TOPIC, "--db", "none")
    return course


@pytest.fixture
def course(graded: Path, tmp_path: Path) -> Path:
    return shutil.copytree(graded, tmp_path / "course")


@pytest.fixture
def run(course: Path) -> Run:
    return runner(course)


def path_of(student: str) -> str:
    return f"results/{TOPIC}/{student}.json"


def rewritten(course: Path, student: str, **provenance: Any) -> None:
    """Change what a result says of its own making."""
    told = report(course, student)
    told["provenance"] |= provenance
    result(course, student).write_text(json.dumps(told), encoding="utf-8")


def everything(course: Path) -> dict[str, bytes]:
    """All files but the state of the course."""
    paths = [path for path in course.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path): path.read_bytes() for path in paths if ".autograder" not in path.parts}


def test_a_grade_comes_out_the_same_and_nothing_is_written(course: Path, run: Run) -> None:
    before = everything(course)
    assert run("replay", path_of("ada")).stdout == "the grade of ada is the same: 5 of 7\n"
    assert "the grade of bob is the same: 0 of 7\n" in run("replay", path_of("bob")).stdout
    assert everything(course) == before


def test_a_record_that_is_not_what_comes_out_is_told_test_by_test(course: Path, run: Run) -> None:
    told = report(course, "bob")
    told["score"] = 3.0
    told["questions"][0]["tests"][0] |= {"verdict": "passed", "points": 1.0}
    told["questions"][0]["tests"][1]["points"] = 0.5
    result(course, "bob").write_text(json.dumps(told), encoding="utf-8")
    shown = run("replay", path_of("bob"), code=1).stdout
    assert re.search(rf"{HALF} +passed, 1 of 1 +failed, 0 of 1\n", shown)
    assert re.search(r"test_halve_leaves_its_input_alone +\w+, 0.5 of 1 +\w+, 0 of 1\n", shown)
    assert re.search(r"the grade +failed, 3 of 7 +failed, 0 of 7\n", shown)
    assert "the grade of bob differs: 0 of 7\n" in shown
    assert "test_halve_refuses_whole_numbers" not in shown


def test_one_test_alone(course: Path, run: Run) -> None:
    told = report(course, "bob")
    told["score"] = 3.0
    told["questions"][0]["tests"][0]["points"] = 1.0
    result(course, "bob").write_text(json.dumps(told), encoding="utf-8")
    assert f"{HALF} differs\n" in run("replay", path_of("bob"), "--test", HALF, code=1).stdout
    other = "test_halver_counts_its_calls"
    assert run("replay", path_of("bob"), "--test", other).stdout.endswith(f"{other} is the same\n")


def test_what_changed_since_is_named_before_it_is_graded(course: Path, run: Run) -> None:
    edit(course / "tests/hidden/test_halving.py", "max_examples=3", "max_examples=2")
    edit(course / "reference/halving.py", "Model solution", "The model solution")
    with (course / "submitted" / "ada" / TOPIC / f"{TOPIC}.ipynb").open("a") as file:
        file.write("\n")
    lines = run("replay", path_of("ada"), code=1).stdout.splitlines()
    changed = (
        "the submitted notebook",
        "the hidden tests",
        "the reference, its misconceptions or the assignment's data",
        "what the seed draws as examples",
    )
    *told, last = [re.sub("[0-9a-f]{12}", "X", line) for line in lines]
    assert told == [f"{what} changed since: was X, is X" for what in changed]
    blocked = f"it cannot be repeated, for this changed: {'; '.join(changed)}."
    assert last == f"{blocked} With what is there now the grade of ada is the same: 5 of 7"


def test_other_versions_are_said_and_the_grade_is_what_counts(course: Path, run: Run) -> None:
    versions = report(course, "ada")["provenance"]["versions"]
    rewritten(course, "ada", versions=versions | {"torch": "1.0"}, isolation="process")
    shown = run("replay", path_of("ada"), code=0).stdout
    assert f"the version of torch changed since: was 1.0, is {versions['torch']}\n" in shown
    assert "the isolation changed since: was process, is sandbox\n" in shown
    assert shown.endswith("the grade of ada is the same: 5 of 7\n")


def test_another_device_cannot_be_repeated_here(course: Path, run: Run) -> None:
    told = report(course, "ada")
    told["provenance"]["device"] = "cuda"
    for test in (test for question in told["questions"] for test in question["tests"]):
        test["device"] = "cuda"
    result(course, "ada").write_text(json.dumps(told), encoding="utf-8")
    shown = run("replay", path_of("ada"), code=1).stdout
    assert "the device changed since: was cuda, is cpu\n" in shown
    assert "it cannot be repeated, for this changed: the device." in shown


def test_examples_that_the_same_seed_no_longer_draws_are_noticed(course: Path, run: Run) -> None:
    rewritten(course, "ada", examples_sha256="0" * 64)
    assert (
        "what the seed draws as examples changed since: was 000000000000, is"
        in run("replay", path_of("ada"), code=1).stdout
    )


def test_words_that_differ_are_no_other_grade(course: Path, run: Run) -> None:
    told = report(course, "bob")
    told["questions"][0]["tests"][0]["message"] = "something else"
    result(course, "bob").write_text(json.dumps(told), encoding="utf-8")
    assert re.search(rf"same verdict in other words .*{HALF}", run("replay", path_of("bob")).stdout)


def test_the_limits_are_those_of_the_record(course: Path, run: Run) -> None:
    """With the handout's limits of today the cell would run out of time, before it spoils the right answers."""
    hand_in(course, "cyd", right(course) + "\nimport time\ntime.sleep(1.5)\ndef halve(x): return x")
    run("grade", TOPIC, "--db", "none", "--student", "cyd")
    told = report(course, "cyd")
    assert [cell["status"] for cell in told["cells"]] == ["ok"]
    handout = course / "assignments" / TOPIC / f"{TOPIC}.md"
    edit(handout, "{call_seconds: 2}", "{call_seconds: 2, cell_seconds: 0.5}")
    shown = run("replay", path_of("cyd"), code=0).stdout
    assert "the handout's header, or the options of the run changed since" in shown
    assert shown.endswith("the grade of cyd is the same: 0 of 7\n")
    rewritten(course, "cyd", limits=None)
    shown = run("replay", path_of("cyd"), code=1).stdout
    assert "it cannot be repeated, for this changed: the handout's header, or the options of the run." in shown


def test_an_unreadable_submission_is_repeated_too(course: Path, run: Run) -> None:
    (course / "submitted" / "eve" / TOPIC).mkdir(parents=True)
    run("grade", TOPIC, "--db", "none", "--student", "eve")
    assert run("replay", path_of("eve")).stdout == "the grade of eve is the same: 0 of 7\n"


def test_a_notebook_elsewhere_is_named(course: Path, run: Run) -> None:
    (course / "submitted" / "ada").rename(course / "elsewhere")
    message = "submitted/ada/halving/halving.ipynb does not exist; name the notebook: --submission PATH"
    assert message in run("replay", path_of("ada"), code=2).stderr
    notebook = f"elsewhere/{TOPIC}/{TOPIC}.ipynb"
    assert "is the same" in run("replay", path_of("ada"), "--submission", notebook).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.json",), "nowhere.json: No such file or directory; name a result file: results/TOPIC/STUDENT.json"),
        (("results",), "results: Is a directory; name a result file"),
        (("nbgrader_config.py",), "nbgrader_config.py: no result file of one submission"),
        ((path_of("bob"), "--test", "test_halve_gives"), f"no test 'test_halve_gives'; did you mean '{HALF}'?"),
        ((path_of("bob"), "--test", "x"), f"the result of 'bob' holds no test 'x'; it holds: {HALF}, "),
    ],
)
def test_wrong_use_is_told(course: Path, run: Run, arguments: tuple[str, ...], message: str) -> None:
    done = run("replay", *arguments, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"schema": 2}, "a result of schema 2; this version reads 1"),
        ({"student": "../ada"}, "'../ada' is no student id"),
        ({"assignment": "../halving"}, "no assignment '../halving'"),
    ],
)
def test_a_record_of_something_else_is_refused(course: Path, run: Run, fields: dict[str, Any], message: str) -> None:
    result(course, "ada").write_text(json.dumps(report(course, "ada") | fields), encoding="utf-8")
    assert message in run("replay", path_of("ada"), code=2).stderr


# ------------------------------------------------------------------------------------------------ seeds


def secrets_of(course: Path) -> list[str]:
    folder = course / ".autograder"
    paths = [folder / "seed", *sorted((folder / "seeds").iterdir())]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in paths)
    return [path.read_text().strip() for path in paths]


def test_a_fresh_seed_keeps_the_earlier_one(course: Path, run: Run) -> None:
    old = report(course, "ada")["provenance"]["seed_id"]
    assert run("seed").stdout == f"seed {old}\n"
    first = run("seed", "--new").stdout
    new = first.split()[3]
    assert first.startswith(f"seed {old} -> {new}\nnext: autograder grade TOPIC regrades every submission")
    assert old != new
    shown = run("seed").stdout
    assert shown == f"seed {new}\nkept for replays: {old}\n"
    assert not any(secret in first + shown for secret in secrets_of(course))


def test_a_seed_is_not_renewed_under_a_grading_run(course: Path, run: Run) -> None:
    import fcntl

    before = (course / ".autograder" / "seed").read_bytes()
    with (course / ".autograder" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another grading run is at work" in run("seed", "--new", code=2).stderr
    assert (course / ".autograder" / "seed").read_bytes() == before


def test_without_its_seed_a_grading_cannot_be_repeated(course: Path, run: Run) -> None:
    old = report(course, "ada")["provenance"]["seed_id"]
    run("seed", "--new")
    (course / ".autograder" / "seeds" / old).unlink()
    shown = run("replay", path_of("ada"), code=1).stdout
    assert f"the secret seed changed since: was {old}, is gone; the course holds " in shown
    assert shown.endswith("it cannot be repeated: other examples would be drawn\n")
    rewritten(course, "ada", seed_id="../seed")
    assert "was ../seed, is gone" in run("replay", path_of("ada"), code=1).stdout


def test_an_exam_tells_verdicts_only_and_is_graded_again_from_a_fresh_seed(course: Path, run: Run) -> None:
    word = "the_input_was"
    leak = f"\ndef halve(x):\n    raise ValueError('{word} ' + repr(x))\n"
    hand_in(course, "bob", right(course) + WRONG)
    hand_in(course, "eve", right(course) + leak)
    run("release")
    run("grade", TOPIC, "--feedback", "category")
    first = {name: report(course, name) for name in ("ada", "bob", "eve")}
    assert first["eve"]["verdict"] == "error"
    assert word in result(course, "eve").read_text(encoding="utf-8")  # an instructor's record is complete
    counterexample = first["bob"]["questions"][0]["tests"][0]["counterexample"]["call"]
    for student in ("bob", "eve"):
        seen = what_a_student_sees(course, student)
        titles = [test["title"] for question in first[student]["questions"] for test in question["tests"]]
        assert all(title in seen for title in titles)
        told = [
            t[key] for q in first[student]["questions"] for t in q["tests"] for key in ("message", "hint") if t[key]
        ]
        assert told
        assert not [text for text in [*told, word, counterexample] if text in seen]
    kept = shutil.copytree(course / "results", course / "kept")
    run("seed", "--new")
    assert "up to date" not in run("grade", TOPIC, "--feedback", "category").stderr
    for student, before in first.items():
        after = report(course, student)
        assert after["score"] == before["score"]
        assert after["provenance"]["seed_id"] != before["provenance"]["seed_id"]
        assert after["provenance"]["examples_sha256"] != before["provenance"]["examples_sha256"]
        assert f"the grade of {student} is the same" in run("replay", path_of(student)).stdout
        assert f"the grade of {student} is the same" in run("replay", str(kept / TOPIC / f"{student}.json")).stdout


def what_a_student_sees(course: Path, student: str) -> str:
    """The page, the comments in the gradebook and the autograded notebook as one text."""
    import html
    import sqlite3

    page = (course / "feedback" / student / f"{TOPIC}.html").read_text(encoding="utf-8")
    notebook = (course / "autograded" / student / TOPIC / f"{TOPIC}.ipynb").read_text(encoding="utf-8")
    outputs = [cell.get("outputs", []) for cell in json.loads(notebook)["cells"]]
    database = sqlite3.connect(course / "gradebook.db")
    query = (
        "select comment.auto_comment from comment "
        "join submitted_notebook on comment.notebook_id = submitted_notebook.id "
        "join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id where student_id = ?"
    )
    comments = [row[0] for row in database.execute(query, (student,)) if row[0]]
    database.close()
    assert comments
    return html.unescape(page) + json.dumps(outputs, ensure_ascii=False) + "\n".join(comments)
