from __future__ import annotations

import json
from itertools import pairwise

import msgspec
import pytest

from autograder.errors import (
    ForbiddenUsed,
    InvalidSubmission,
    Mismatch,
    ProcessDied,
    StudentMissing,
    StudentRaised,
)
from autograder.model import GradeReport, Limits, Verdict, worst
from tests.toolkit.reports import manual_question, question, record, report

WORST_FIRST = (
    "grader_error, invalid_submission, crashed, memory, timeout, protocol, error, forbidden, failed, missing, "
    "deferred, passed"
)


def test_verdicts_are_ordered_worst_first() -> None:
    assert ", ".join(Verdict) == WORST_FIRST
    for bad, better in pairwise(Verdict):
        assert bad.rank < better.rank
        assert worst([better, bad]) is worst([bad, better]) is bad
    assert worst([]) is Verdict.PASSED


def test_a_report_says_in_json_what_the_contract_names() -> None:
    told = json.loads(report(question("q", record()), manual_question()).to_json())
    assert told["schema"] == 1
    top = {"schema", "student", "assignment", "score", "max_score", "pending_points", "verdict", "questions", "flags"}
    assert top | {"cells", "provenance"} <= told.keys()
    auto, manual = told["questions"]
    assert {"name", "notebook", "kind", "score", "max_score", "verdict", "tests"} <= auto.keys()
    assert manual["score"] is None
    fields = {"name", "title", "verdict", "points", "max_points", "message", "hint", "counterexample", "examples"}
    assert fields | {"seconds"} <= auto["tests"][0].keys()
    provenance = {"submission_sha256", "tests_sha256", "reference_sha256", "seed_id", "device", "isolation"}
    assert provenance | {"versions", "started", "seconds"} <= told["provenance"].keys()
    assert {"python", "torch", "autograder"} <= told["provenance"]["versions"].keys()


def test_a_report_goes_through_json_unchanged() -> None:
    one = report(
        question("q", record(), record(Verdict.DEFERRED), record(Verdict.FAILED, message="é \\x1b ≠")), message="m"
    )
    assert GradeReport.from_json(one.to_json()) == one
    assert one.to_json() == GradeReport.from_json(one.to_json()).to_json()


@pytest.mark.parametrize("data", [b"", b"{}", b'{"schema": 1}', b"[1]", b"\xff"])
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        GradeReport.from_json(data)


def test_a_limit_that_does_not_exist_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="call_second"):
        msgspec.convert({"call_second": 1.0}, Limits)


def test_each_fault_of_a_student_earns_its_verdict() -> None:
    faults = [
        InvalidSubmission("no notebook"),
        ProcessDied(Verdict.TIMEOUT, "no answer"),
        StudentRaised("ValueError", "no"),
        StudentMissing("not written yet"),
        ForbiddenUsed("loops"),
        Mismatch("wrong", expected="1", got="2"),
    ]
    expected = ["invalid_submission", "timeout", "error", "missing", "forbidden", "failed"]
    assert [str(fault.verdict) for fault in faults] == expected
    assert [str(fault) for fault in faults] == [fault.message for fault in faults]
    assert [isinstance(fault, AssertionError) for fault in faults] == [False, False, True, True, True, True]


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("x is 1", "cell 2, line 3", "ValueError: x is 1 (cell 2, line 3)"),
        ("", "cell 2, line 3", "ValueError (cell 2, line 3)"),
        ("x is 1", "", "ValueError: x is 1"),
    ],
)
def test_what_a_student_raised_is_named_with_its_place(text: str, where: str, message: str) -> None:
    assert StudentRaised("ValueError", text, where).message == message
