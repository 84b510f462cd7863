from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.errors import AuthoringError, GraderError
from autograder.kept import edited_tests
from autograder.model import GradeReport, Limits, Submission, Verdict
from autograder.provenance import Options
from autograder.release import release
from autograder.runner import Grader
from autograder.sandbox.process import Sandbox
from autograder.submissions import read_notebook
from tests.toolkit.handed_in import RIGHT as REFERENCE
from tests.toolkit.hosts import notebook
from tests.toolkit.tiny import TOPIC, edit, tiny_course

TIGHT = Limits(call_seconds=1.0, cell_seconds=1.0, submission_seconds=20.0, memory_bytes=1 << 30, restarts=2)


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grader]:
    course = tiny_course(tmp_path_factory.mktemp("runner"))
    with Grader(course, TOPIC, Options(limits=TIGHT)) as grader:
        grader.wait_ready()
        yield grader


def hand_in(folder: Path, data: bytes, student: str = "ada", **fields: Any) -> Submission:
    path = folder / student / TOPIC / f"{TOPIC}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Submission(student=student, assignment=TOPIC, path=path, **fields)


def grade(grader: Grader, folder: Path, *cells: str, **fields: Any) -> GradeReport:
    report = grader.grade(hand_in(folder, notebook(REFERENCE, *cells), **fields))
    assert GradeReport.from_json(report.to_json()) == report
    return report


def verdicts(report: GradeReport) -> list[str]:
    return [str(test.verdict) for question in report.questions for test in question.tests]


def halve(body: str) -> str:
    return f"def halve(x):\n    {body}\n"


def test_a_right_notebook_gets_every_point(grader: Grader, tmp_path: Path) -> None:
    report = grade(grader, tmp_path)
    assert (report.score, report.max_score, report.pending_points, report.verdict) == (5.0, 7.0, 0.0, Verdict.PASSED)
    assert [question.name for question in report.questions] == ["halve", "Halver", "explain_halving"]
    assert [question.score for question in report.questions] == [3.0, 2.0, None]
    assert [cell.status for cell in report.cells] == ["ok"]
    assert (report.flags, report.message) == ((), "")


def test_an_error_that_is_shown_comes_with_its_line(grader: Grader, tmp_path: Path) -> None:
    test = grade(grader, tmp_path, halve("return missing_name + x  # here")).questions[0].tests[0]
    assert (test.verdict, test.message) == (
        Verdict.ERROR,
        "NameError: name 'missing_name' is not defined (cell 1, line 2)",
    )
    assert test.counterexample is not None
    assert test.counterexample.line == "return missing_name + x  # here"


def test_the_result_file_holds_every_field_of_the_contract(grader: Grader, tmp_path: Path) -> None:
    told = json.loads(grade(grader, tmp_path, "1 / 0", halve("return x // 2")).to_json())
    assert (told["schema"], told["student"], told["assignment"]) == (1, "ada", TOPIC)
    assert (told["score"], told["verdict"]) == (2.0, "failed")
    first = told["questions"][0]
    assert (first["name"], first["notebook"], first["kind"], first["score"]) == ("halve", TOPIC, "auto", 0.0)
    test = first["tests"][0]
    assert (test["name"], test["title"]) == ("test_halve_gives_half_of_every_entry", "Half of every entry")
    assert (test["verdict"], test["points"], test["max_points"]) == ("failed", 0.0, 1.0)
    assert test["hint"].startswith("Your halves are rounded down")
    assert test["counterexample"] == {
        "call": "halve(torch.tensor([1.]))",
        "expected": "torch.tensor([0.5])",
        "got": "torch.tensor([0.])",
        "difference": {
            "expected": {"shape": [1], "start": [0], "rows": ["0.5000"]},
            "got": {"shape": [1], "start": [0], "rows": ["0.0000"]},
            "wrong": ["1"],
            "count": 1,
        },
    }
    assert test["seconds"] > 0
    assert [cell["status"] for cell in told["cells"]] == ["ok", "error", "ok"]
    assert told["cells"][1]["message"].startswith("ZeroDivisionError")
    assert told["cells"][1]["line"] == "1 / 0"
    provenance = told["provenance"]
    digests = [provenance[name] for name in ("submission_sha256", "tests_sha256", "reference_sha256")]
    assert [len(digest) for digest in digests] == [64, 64, 64]
    assert (provenance["seed_id"], provenance["device"]) == (grader.seed.id, "cpu")
    assert provenance["isolation"] == "sandbox"
    assert provenance["started"].endswith("+00:00")
    assert provenance["seconds"] > 0
    assert grader.seed.secret.hex() not in json.dumps(told)


def test_the_same_notebook_gets_the_same_grade_again(grader: Grader, tmp_path: Path) -> None:
    one, two = (grade(grader, tmp_path, halve("return x * 0.501")) for _ in range(2))
    assert (one.score, verdicts(one)) == (two.score, verdicts(two))
    assert one.provenance.submission_sha256 == two.provenance.submission_sha256


@pytest.mark.parametrize(
    ("body", "verdict", "message"),
    [
        ("import os; os._exit(0)", "crashed", "the notebook's process ended itself"),
        ("import os; os.kill(os.getpid(), 11)", "crashed", "the notebook's process"),
        ("while True: pass", "timeout", "no answer within 1 s"),
        ("return torch.ones(1 << 40)", "memory", "allocate memory"),
        ("raise KeyError('x')", "error", "KeyError: 'x' (cell 1, line 2)"),
        ("return 10**400", "failed", ""),
        ("return torch.ldexp(x, torch.tensor(-1))", "forbidden", "halve used aten::ldexp"),
        ("raise NotImplementedError", "missing", "not written yet"),
    ],
)
def test_every_kind_of_failure_has_its_verdict(
    grader: Grader, tmp_path: Path, body: str, verdict: str, message: str
) -> None:
    report = grade(grader, tmp_path, halve(body), "class Halver(Halver):\n    def forward(self, x): return x\n")
    first = report.questions[0].tests[0]
    assert (str(first.verdict), first.points) == (verdict, 0.0)
    assert message in first.message
    assert report.verdict is not Verdict.GRADER_ERROR
    assert report.score <= 0.5


def test_a_question_that_was_not_written_is_missing(grader: Grader, tmp_path: Path) -> None:
    report = grade(grader, tmp_path, "del halve, Halver")
    assert set(verdicts(report)) == {"missing"}
    assert (report.score, report.verdict) == (0.0, Verdict.MISSING)


def test_an_empty_notebook_is_missing_everywhere(grader: Grader, tmp_path: Path) -> None:
    report = grader.grade(hand_in(tmp_path, notebook()))
    assert (report.score, report.verdict, report.cells) == (0.0, Verdict.MISSING, ())


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b'{"cells": 3}', b"[" * 100_000])
def test_what_is_no_notebook_is_invalid(grader: Grader, tmp_path: Path, data: bytes) -> None:
    report = grader.grade(hand_in(tmp_path, data))
    assert (report.score, report.verdict) == (0.0, Verdict.INVALID_SUBMISSION)
    assert report.max_score == 7.0
    assert set(verdicts(report)) == {"invalid_submission"}
    assert report.message


def test_a_notebook_that_is_not_there_or_a_link_is_invalid(grader: Grader, tmp_path: Path) -> None:
    submission = hand_in(tmp_path, notebook(REFERENCE))
    real = submission.path.rename(tmp_path / "real")
    assert grader.grade(submission).message == "no notebook was handed in: halving.ipynb is not there"
    submission.path.symlink_to(real)
    report = grader.grade(submission)
    assert report.verdict is Verdict.INVALID_SUBMISSION
    assert report.message == "halving.ipynb is a link, not a notebook; hand in the file itself"


def test_a_notebook_in_another_students_folder_is_invalid(grader: Grader, tmp_path: Path) -> None:
    hand_in(tmp_path, notebook(REFERENCE))
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / "halving").symlink_to(tmp_path / "ada" / "halving")
    stolen = Submission(student="eve", assignment="halving", path=tmp_path / "eve" / "halving" / "halving.ipynb")
    report = grader.grade(stolen)
    expected = "halving.ipynb lies behind a link, not in a folder of the student's own"
    assert (report.verdict, report.message) == (Verdict.INVALID_SUBMISSION, expected)


def test_a_notebook_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    submission = hand_in(tmp_path, b" " * (3 << 20))
    with pytest.raises(Exception, match="the notebook has 3 MiB, more than 1: clear its outputs and save"):
        read_notebook(submission.path, Limits(notebook_bytes=1 << 20))


def test_a_forbidden_name_in_the_source_is_a_flag_and_no_verdict(grader: Grader, tmp_path: Path) -> None:
    report = grade(grader, tmp_path, "scratch = torch.ldexp(torch.ones(1), torch.tensor(1))")
    assert (report.score, report.verdict) == (5.0, Verdict.PASSED)
    ((flag),) = report.flags
    assert flag.kind == "source"
    assert flag.detail.startswith("the name ldexp stands in the notebook")


def test_work_where_no_trace_looks_is_a_flag(grader: Grader, tmp_path: Path) -> None:
    body = "import threading\n    done = []\n    thread = threading.Thread(target=lambda: done.append(x * 0.5))\n"
    report = grade(grader, tmp_path, halve(body + "    thread.start()\n    thread.join()\n    return done[0]"))
    assert report.verdict is Verdict.FAILED  # halve refuses no whole numbers here
    said = "halve started a thread or process in a graded call; what ran there was not traced"
    assert [(flag.kind, flag.detail) for flag in report.flags] == [("trace", said)]


def test_only_the_questions_asked_for_are_graded(grader: Grader, tmp_path: Path) -> None:
    report = grade(grader, tmp_path, halve("return x"), questions=("Halver",))
    assert (report.score, report.pending_points) == (0.0 + report.questions[1].score, 3.0)  # type: ignore[operator]
    assert set(verdicts(report)[:3]) == {"deferred"}


def test_the_grade_does_not_hang_on_what_was_graded_before(grader: Grader, tmp_path: Path) -> None:
    before = verdicts(grade(grader, tmp_path, halve("return x // 2")))
    grade(grader, tmp_path, "import torch; torch.manual_seed(7); torch.set_default_dtype(torch.float64)")
    assert verdicts(grade(grader, tmp_path, halve("return x // 2"))) == before


def test_a_zygote_that_was_killed_is_replaced(grader: Grader, tmp_path: Path) -> None:
    os.kill(grader._sandbox._zygote.pid, signal.SIGKILL)
    grader._sandbox._zygote.wait(30)
    assert grade(grader, tmp_path).score == 5.0


def test_a_zygote_that_is_killed_while_it_starts_is_replaced_once(tmp_path: Path) -> None:
    with Grader(tiny_course(tmp_path), TOPIC) as grader:
        first = grader._sandbox._zygote
        first.kill()
        assert first.wait(30)
        grader.wait_ready()
        assert grader._sandbox._zygote.pid != first.pid
        assert grade(grader, tmp_path).score == 5.0


def test_a_zygote_that_cannot_live_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Sandbox] = []

    def stillborn(self: Grader) -> Sandbox:
        sandbox = make(self)
        sandbox._zygote.kill()
        assert sandbox._zygote.wait(30)
        started.append(sandbox)
        return sandbox

    make = Grader._new_sandbox
    monkeypatch.setattr(Grader, "_new_sandbox", stillborn)
    with Grader(tiny_course(tmp_path), TOPIC) as grader, pytest.raises(GraderError, match="the sandbox's zygote ended"):
        grader.wait_ready()
    assert len(started) == 2


def test_our_own_failure_is_a_grader_error_with_its_reason(
    grader: Grader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr(grader, "_judge_all", fails)
    error: Exception = GraderError("the disk is full")
    report = grade(grader, tmp_path)
    assert (report.verdict, report.message, report.score) == (Verdict.GRADER_ERROR, "the disk is full", 0.0)
    assert (report.max_score, len(report.questions)) == (7.0, 3)
    error = ZeroDivisionError("a bug of ours")
    assert "ZeroDivisionError: a bug of ours" in grade(grader, tmp_path).message


def test_points_of_what_was_handed_out_may_not_change(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    release(course, TOPIC)
    edit(course.assignment(TOPIC).hidden_tests, "points=1.5", "points=1.25")
    with pytest.raises(AuthoringError, match="Halver"):
        Grader(Course(course.root), TOPIC)


# what is kept of an earlier report


def test_after_an_edit_only_questions_that_it_touches_are_graded(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    body = "y = super().forward(x); self.calls.zero_(); return y"
    wrong = f"class Halver(Halver):\n    def forward(self, x):\n        {body}"
    with Grader(course, TOPIC) as grader:
        before = grade(grader, tmp_path, wrong)
    assert [question.score for question in before.questions] == [3.0, 1.5, None]
    edit(course.assignment(TOPIC).hidden_tests, 'assert_matches(halver.get("calls"), torch.tensor(calls))', "pass")
    with Grader(Course(course.root), TOPIC) as grader:
        after = grade(grader, tmp_path, wrong, earlier=before)
        assert after.questions[0] == before.questions[0]
        assert [question.score for question in after.questions] == [3.0, 2.0, None]
        assert edited_tests(before, after) == ["test_halver_counts_its_calls"]
        assert grade(grader, tmp_path, wrong).questions[0] != before.questions[0]
        other = grade(grader, tmp_path, wrong, "x = 1", earlier=before)  # another notebook
        assert other.questions[0] != before.questions[0]


def test_after_an_edit_that_touches_nothing_a_report_is_kept_without_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = tiny_course(tmp_path)
    with Grader(course, TOPIC) as grader:
        before = grade(grader, tmp_path, "raise RuntimeError('no')", halve("return x"))
    edit(course.assignment(TOPIC).hidden_tests, "import torch\n", "import torch  # tensors\n")
    with Grader(Course(course.root), TOPIC) as grader:
        monkeypatch.setattr(Sandbox, "start", lambda *_: pytest.fail("a process was started"))
        after = grade(grader, tmp_path, "raise RuntimeError('no')", halve("return x"), earlier=before)
    assert after.provenance.tests_sha256 != before.provenance.tests_sha256
    for name in ("score", "questions", "flags", "cells", "message", "verdict"):
        assert getattr(after, name) == getattr(before, name)


def test_nothing_is_kept_of_a_submission_that_lost_its_process(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    fatal = "import os\nclass Halver(Halver):\n    def forward(self, x):\n        os._exit(3)"
    with Grader(course, TOPIC) as grader:
        before = grade(grader, tmp_path, fatal)
        assert "crashed" in verdicts(before)
        assert grade(grader, tmp_path, fatal, earlier=before).questions == before.questions, "no test is another one"
    edit(course.assignment(TOPIC).hidden_tests, 'assert_matches(halver.get("calls"), torch.tensor(calls))', "pass")
    with Grader(Course(course.root), TOPIC) as grader:
        after = grade(grader, tmp_path, fatal, earlier=before)
    assert verdicts(after) == verdicts(before)
    assert after.questions[0] != before.questions[0]  # its seconds


def test_flags_of_kept_questions_stay(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    body = "t = threading.Thread(target=int); t.start(); t.join(); return _halve(x)"
    threaded = f"import threading\n_halve = halve\n{halve(body)}"
    with Grader(course, TOPIC) as grader:
        before = grade(grader, tmp_path, threaded)
    assert [flag.kind for flag in before.flags] == ["trace"]
    edit(course.assignment(TOPIC).hidden_tests, 'assert_matches(halver.get("calls"), torch.tensor(calls))', "pass")
    with Grader(Course(course.root), TOPIC) as grader:
        after = grade(grader, tmp_path, threaded, earlier=before)
    assert after.flags == before.flags
