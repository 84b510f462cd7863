"""Sample grade reports for tests: small builders, and one student per situation a reader must handle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder.model import (
    CellRecord,
    Counterexample,
    Difference,
    Flag,
    GradeReport,
    Grid,
    Provenance,
    QuestionResult,
    TestRecord,
    Verdict,
    Versions,
    worst,
)

PROVENANCE = Provenance(
    submission_sha256="5e" * 32,
    tests_sha256="7e" * 32,
    reference_sha256="4e" * 32,
    seed_id="seed-1f00",
    device="cpu",
    isolation="sandbox",
    versions=Versions(python="3.11.2", torch="2.13.0", autograder="0.1.0"),
    started="2026-03-02T09:30:00+00:00",
    seconds=1.2,
)


def record(verdict: Verdict = Verdict.PASSED, **fields: Any) -> TestRecord:
    """A test of one point: won where ``passed``, open where ``deferred``, lost otherwise."""
    points = {Verdict.PASSED: fields.get("max_points", 1.0), Verdict.DEFERRED: None}.get(verdict, 0.0)
    defaults = {
        "name": f"test_{verdict}",
        "title": f"A test that ends as {verdict}",
        "points": points,
        "max_points": 1.0,
        "examples": 60,
        "seconds": 0.12,
    }
    return TestRecord(verdict=verdict, **(defaults | fields))


def question(name: str = "softmax", *tests: TestRecord, **fields: Any) -> QuestionResult:
    """An automatic question: the sum of ``tests`` and the worst of their verdicts."""
    defaults: dict[str, Any] = {
        "notebook": "attention",
        "kind": "auto",
        "score": sum(test.points or 0.0 for test in tests),
        "max_score": sum(test.max_points for test in tests),
        "verdict": worst([test.verdict for test in tests]),
    }
    return QuestionResult(name=name, tests=tests, **(defaults | fields))


def manual_question(
    name: str = "explain_masking", score: float | None = None, max_score: float = 2.0
) -> QuestionResult:
    """A question that a person scores; open unless ``score`` is given."""
    verdict = Verdict.DEFERRED if score is None else Verdict.PASSED
    return QuestionResult(
        name=name, notebook="attention", kind="manual", score=score, max_score=max_score, verdict=verdict
    )


def report(*questions: QuestionResult, **fields: Any) -> GradeReport:
    """A report on the assignment ``attention`` by ``ada`` with the sums of ``questions``."""
    tests = [test for item in questions for test in item.tests]
    defaults: dict[str, Any] = {
        "student": "ada",
        "assignment": "attention",
        "score": sum(item.score or 0.0 for item in questions),
        "max_score": sum(item.max_score for item in questions),
        "pending_points": sum(test.max_points for test in tests if test.points is None),
        "verdict": worst([item.verdict for item in questions if item.kind == "auto"]),
        "provenance": PROVENANCE,
    }
    return GradeReport(questions=questions, **(defaults | fields))


def side_by_side() -> Difference:
    """A matrix of a larger tensor with two wrong entries, big enough to be drawn."""
    right, wrong = "0.2500 -0.5000 1.0000 0.0000", "0.2500 0.5000 nan 0.0000"
    return Difference(
        expected=Grid(shape=(2, 3, 40), start=(1, 0, 0), rows=(right,) * 3),
        got=Grid(shape=(2, 3, 40), start=(1, 0, 0), rows=(right, wrong, right)),
        wrong=("0000", "0110", "0000"),
        count=2,
    )


def all_passed() -> GradeReport:
    """Full marks, nothing open."""
    return report(
        question(
            "softmax",
            record(name="test_softmax_value", title="softmax gives the values of its definition"),
            record(name="test_softmax_shift", title="Adding a constant to every score changes nothing"),
        ),
        question("attention", record(title="attention mixes the values", max_points=3.0, points=3.0)),
        student="grace",
    )


def mixed() -> GradeReport:
    """Right, wrong and missing answers, a hint, a dependent question, an open test and a manual question."""
    softmax = question(
        "softmax",
        record(name="test_softmax_value", title="`softmax` gives the values of its definition"),
        record(
            Verdict.FAILED,
            name="test_softmax_large",
            title="`softmax` stays finite for large scores",
            message="the result holds nan where the expected value has none",
            hint="`exp` overflows for large scores: subtract the largest score of each row first.",
            misconception="no_max_subtraction",
            counterexample=Counterexample(
                call="softmax(torch.tensor([1000., 0.]), dim=-1)",
                expected="torch.tensor([1., 0.])",
                got="torch.tensor([float('nan'), 0.])",
            ),
        ),
    )
    attention = question(
        "scaled_dot_product_attention",
        record(
            Verdict.FAILED,
            name="test_attention_value",
            title="attention agrees with its formula",
            max_points=3.0,
            message="a tensor of shape (2, 3, 4): 24 of 24 entries differ, the largest difference is 0.731",
            counterexample=Counterexample(
                call="scaled_dot_product_attention(torch.tensor([[[" + "0.12345, -1.5, " * 40 + "2.]]]), "
                "torch.tensor([[[0.5]]]), torch.tensor([[[1.]]]), mask=None)",
                expected="torch.tensor([[[0.33333, 0.66667]]])",
                got="torch.tensor([[[0.25, 0.75]]])",
                difference=side_by_side(),
            ),
        ),
        record(name="test_attention_shape", title="attention has the shape of the queries and the width of the values"),
        record(
            Verdict.DEFERRED,
            name="test_attention_gpu",
            title="attention keeps its inputs' device",
            message="needs a CUDA device",
        ),
        note="probably because of softmax",
    )
    return report(
        softmax,
        attention,
        question("multi_head_attention", record(Verdict.MISSING, title="heads are split and joined", max_points=2.0)),
        manual_question(),
        student="ada",
        cells=(
            CellRecord(index=2, status="ok"),
            CellRecord(
                index=5,
                status="error",
                message="NameError: name 'scores' is not defined",
                line="weights = soft(scores)",
            ),
            CellRecord(index=9, status="timeout", message="cell 9 ran for more than 30 s"),
        ),
        flags=(Flag(kind="source", detail="cell 7 names torch.nn.functional.softmax"),),
    )


def every_verdict() -> GradeReport:
    """One question per verdict, in the order of ``Verdict``."""
    return report(
        *(
            question(f"question_{verdict}", record(verdict, message="" if verdict == "passed" else f"it was {verdict}"))
            for verdict in Verdict
        ),
        student="every",
    )


def nothing_written() -> GradeReport:
    """The released notebook handed in untouched."""
    return report(
        question("softmax", record(Verdict.MISSING), record(Verdict.MISSING)),
        question("attention", record(Verdict.MISSING, max_points=3.0)),
        student="blank",
    )


def invalid() -> GradeReport:
    """A file that cannot be read as a notebook."""
    tests = record(Verdict.INVALID_SUBMISSION, max_points=5.0)
    return report(question("softmax", tests), student="torn", message="the file is not JSON: line 1, column 1")


def grader_failed() -> GradeReport:
    """The grader itself broke down."""
    test = record(Verdict.GRADER_ERROR, max_points=5.0, message="RuntimeError: internal detail of the grader")
    return report(question("softmax", test), student="unlucky", message="RuntimeError: internal detail of the grader")


HOSTILE_TEXTS = (
    "<script>document.title='pwned'</script>",
    "<img src=x onerror=\"document.title='pwned'\">",
    "</pre></style></title><svg onload=\"document.title='pwned'\">",
    "<a href=\"javascript:document.title='pwned'\">click</a>",
    "' onmouseover='document.title=1' x='",
    "{{ 7 * 7 }}{% include 'feedback.html' %}",
    "\u202egnp.exe \u2066hidden\u2069 \u200bzero \ufeffwidth",
    "\x1b[31mred\x1b[0m \x1b]52;c;ZWNobw==\x07 \x00 \x9b2J",
    "W" * 50_000,
)


def hostile(text: str, student: str = "mallory") -> GradeReport:
    """``text`` in every place of a report that a student can reach."""
    failed = record(
        Verdict.FAILED,
        title=text,
        message=text,
        hint=text,
        counterexample=Counterexample(call=text, expected=text, got=text, line=text),
    )
    grid = Grid(shape=(1, 1), start=(0, 0), rows=(text,))
    drawn = Counterexample(call=text, expected=text, got=text, difference=Difference(expected=grid, got=grid))
    raised = record(Verdict.ERROR, title=text, message=text, counterexample=failed.counterexample)
    return report(
        question(text, failed, raised, record(Verdict.FAILED, title="drawn", counterexample=drawn), note=text),
        manual_question(text),
        student=student,
        message=text,
        cells=(CellRecord(index=0, status="error", message=text, line=text),),
        flags=(Flag(kind=text, detail=text),),
    )


SAMPLES: dict[str, Callable[[], GradeReport]] = {
    "all_passed": all_passed,
    "mixed": mixed,
    "every_verdict": every_verdict,
    "nothing_written": nothing_written,
    "invalid": invalid,
    "grader_failed": grader_failed,
}
