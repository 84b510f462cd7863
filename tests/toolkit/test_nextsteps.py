from __future__ import annotations

from msgspec.structs import replace

from autograder.disclosure import for_student
from autograder.model import CellRecord, Counterexample, GradeReport, Verdict
from autograder.nextsteps import NextStep, next_step
from tests.toolkit import reports
from tests.toolkit.reports import question, record, report

EXAMPLE = Counterexample(call="f(1)", expected="1", got="2")


def step(given: GradeReport) -> NextStep:
    found = next_step(given)
    assert found is not None
    return found


def test_where_nothing_is_left_nothing_is_advised() -> None:
    assert next_step(reports.all_passed()) is None
    assert next_step(report(reports.manual_question(), question("gpu", record(Verdict.DEFERRED)))) is None


def test_what_could_not_be_graded_has_its_own_notice() -> None:
    assert next_step(reports.invalid()) is None
    assert next_step(reports.grader_failed()) is None


def test_the_first_question_that_lost_points_comes_first_with_the_likely_cause() -> None:
    failed = question("second", record(Verdict.FAILED, hint="Rows, not columns.", counterexample=EXAMPLE))
    found = step(report(question("first", record()), failed, question("third", record(Verdict.ERROR))))
    assert (found.number, found.name, found.why) == (2, "second", "a likely cause is this. Rows, not columns.")


def test_a_cause_comes_before_what_depends_on_it() -> None:
    heads = question("heads", record(Verdict.FAILED), note="probably because of attention and softmax")
    attention = question("attention", record(Verdict.FAILED), note="probably because of softmax")
    found = step(report(heads, attention, question("softmax", record(Verdict.FAILED))))
    assert (found.number, found.others, found.one) == (3, "`heads` and `attention`", False)
    alone = step(report(attention, question("softmax", record(Verdict.FAILED))))
    assert (alone.others, alone.one) == ("`attention`", True)


def test_a_name_within_another_is_not_that_question() -> None:
    other = question("other", record(Verdict.FAILED), note="probably because of log_softmax")
    assert step(report(question("softmax", record(Verdict.FAILED)), other)).others == ""


def test_work_that_was_begun_comes_before_what_is_not_written() -> None:
    missing, wrong = question("missing", record(Verdict.MISSING)), question("wrong", record(Verdict.TIMEOUT))
    assert step(report(missing, wrong)).name == "wrong"
    waiting = replace(wrong, note="probably because of missing")
    assert step(report(missing, waiting)).name == "missing"


def test_a_cell_that_python_cannot_read_is_repaired_first() -> None:
    cells = tuple(
        CellRecord(index=index, status="error", message=message)
        for index, message in ((2, "NameError: x"), (3, "SyntaxError: invalid syntax (cell 3, line 1)"))
    )
    missing = report(question("softmax", record(Verdict.MISSING)), cells=cells)
    assert step(missing).cell == cells[1]
    wrong = report(question("softmax", record(Verdict.FAILED)), cells=cells)
    assert step(wrong).cell is None


def test_every_verdict_that_loses_points_has_its_words() -> None:
    for verdict in set(Verdict) - {
        Verdict.PASSED,
        Verdict.DEFERRED,
        Verdict.GRADER_ERROR,
        Verdict.INVALID_SUBMISSION,
    }:
        assert step(report(question("softmax", record(verdict)))).why.endswith(".")


def test_without_an_example_none_is_promised() -> None:
    bare = report(question("softmax", record(Verdict.FAILED)))
    assert step(bare).why == "the tests below say what it should do."


def test_in_an_exam_no_hint_is_told() -> None:
    given = report(question("softmax", record(Verdict.FAILED, hint="Rows, not columns.", counterexample=EXAMPLE)))
    assert "Rows" not in step(for_student(given, "category")).why
