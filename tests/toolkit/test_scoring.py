from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.model import QuestionResult, TestRecord, Verdict
from autograder.scoring import GATE_CLOSED, overall_verdict, score_questions, totals
from autograder.suite import HiddenTest, Suite
from autograder.testing.marks import Question

POINTS = st.integers(1, 40).map(lambda tenths: tenths / 10)
VERDICTS = st.sampled_from([Verdict.PASSED, Verdict.PASSED, Verdict.FAILED, Verdict.TIMEOUT, Verdict.DEFERRED])


def a_test(question: str, points: float = 1.0, number: int = 0, **fields: object) -> HiddenTest:
    mark = Question(question, points, **fields)  # type: ignore[arg-type]
    return HiddenTest(f"test_{question}_{number}", "A title", mark, len, len, drawn=False, digest="")


def a_record(test: HiddenTest, verdict: Verdict) -> TestRecord:
    points = {Verdict.PASSED: test.question.points, Verdict.DEFERRED: None}.get(verdict, 0.0)
    return TestRecord(name=test.name, title=test.title, verdict=verdict, points=points, max_points=test.question.points)


def a_suite(*tests: HiddenTest) -> Suite:
    return Suite("topic", Path("test_topic.py"), tests, {}, "digest")


def scored(*pairs: tuple[HiddenTest, Verdict], manual: dict[str, float] | None = None) -> tuple[QuestionResult, ...]:
    suite = a_suite(*(test for test, _ in pairs))
    records = [a_record(test, verdict) for test, verdict in pairs]
    return score_questions(suite, records, manual or {}, dict.fromkeys([*suite.questions(), *(manual or {})], "topic"))


def points_of(result: QuestionResult) -> list[float | None]:
    return [test.points for test in result.tests]


tests_and_verdicts = st.lists(
    st.tuples(st.sampled_from("abc"), POINTS, st.booleans(), st.booleans(), VERDICTS), min_size=1, max_size=12
).map(
    lambda rows: [
        (a_test(name, points, number, gate=gate, bonus=bonus and not gate), verdict)
        for number, (name, points, gate, bonus, verdict) in enumerate(rows)
    ]
)


@given(tests_and_verdicts)
def test_scores_add_up_and_stay_within_bounds(pairs: list[tuple[HiddenTest, Verdict]]) -> None:
    results = scored(*pairs)
    bonus = sum(test.question.points for test, _ in pairs if test.question.bonus)
    score, maximum, pending = totals(results)
    for result in results:
        assert result.score == pytest.approx(sum(points or 0.0 for points in points_of(result)), abs=1e-6)
    assert score == pytest.approx(sum(result.score or 0.0 for result in results), abs=1e-6)
    assert maximum == pytest.approx(sum(t.question.points for t, _ in pairs if not t.question.bonus), abs=1e-6)
    assert 0 <= score <= score + pending <= maximum + bonus + 1e-9


@given(tests_and_verdicts)
def test_all_tests_passed_earns_everything_and_none_passed_nothing(pairs: list[tuple[HiddenTest, Verdict]]) -> None:
    full = sum(test.question.points for test, _ in pairs)
    assert totals(scored(*((test, Verdict.PASSED) for test, _ in pairs)))[0] == pytest.approx(full, abs=1e-6)
    assert totals(scored(*((test, Verdict.FAILED) for test, _ in pairs)))[0] == 0.0


@given(tests_and_verdicts, st.data())
def test_passing_one_more_test_never_costs_points(pairs: list[tuple[HiddenTest, Verdict]], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(pairs) - 1))
    better = [(test, Verdict.PASSED if i == index else verdict) for i, (test, verdict) in enumerate(pairs)]
    assert totals(scored(*better))[0] >= totals(scored(*pairs))[0]


def test_tenths_add_up() -> None:
    (result,) = scored((a_test("q", 1.2), Verdict.PASSED), (a_test("q", 2.2, 1), Verdict.PASSED))
    assert (result.score, result.max_score) == (3.4, 3.4)
    assert totals([result]) == (3.4, 3.4, 0.0)


def test_a_shut_gate_takes_the_points_of_its_own_question_alone() -> None:
    gate, law, other = a_test("q", gate=True), a_test("q", number=1), a_test("r")
    q, r = scored((gate, Verdict.FAILED), (law, Verdict.PASSED), (other, Verdict.PASSED))
    assert (q.score, r.score) == (0.0, 1.0)
    assert q.tests[1].verdict is Verdict.PASSED
    assert q.tests[1].message == GATE_CLOSED


def test_an_open_gate_changes_nothing() -> None:
    (result,) = scored((a_test("q", gate=True), Verdict.PASSED), (a_test("q", number=1), Verdict.FAILED))
    assert points_of(result) == [1.0, 0.0]


def test_of_two_gates_each_must_pass_and_the_one_that_does_keeps_its_points() -> None:
    one, two = a_test("q", gate=True), a_test("q", 2.0, 1, gate=True)
    (result,) = scored((one, Verdict.FAILED), (two, Verdict.PASSED), (a_test("q", 4.0, 2), Verdict.PASSED))
    assert points_of(result) == [0.0, 2.0, 0.0]


def test_what_hangs_on_a_gate_that_waits_waits_with_it() -> None:
    gate, law, lost = a_test("q", gate=True), a_test("q", 2.0, 1), a_test("q", 4.0, 2)
    (result,) = scored((gate, Verdict.DEFERRED), (law, Verdict.PASSED), (lost, Verdict.FAILED))
    assert points_of(result) == [None, None, 0.0]
    assert result.tests[1].verdict is Verdict.DEFERRED
    assert totals([result]) == (0.0, 7.0, 3.0)


def test_nothing_waits_behind_a_gate_that_is_shut_already() -> None:
    shut, waits, law = a_test("q", gate=True), a_test("q", 2.0, 1, gate=True), a_test("q", 4.0, 2)
    (result,) = scored((shut, Verdict.FAILED), (waits, Verdict.DEFERRED), (law, Verdict.PASSED))
    assert points_of(result) == [0.0, None, 0.0]


def test_a_deferred_test_is_neither_won_nor_lost() -> None:
    (result,) = scored((a_test("q"), Verdict.PASSED), (a_test("q", 2.0, 1), Verdict.DEFERRED))
    assert totals([result]) == (1.0, 3.0, 2.0)
    assert result.verdict is Verdict.DEFERRED


def test_bonus_comes_on_top() -> None:
    (result,) = scored((a_test("q"), Verdict.PASSED), (a_test("q", 0.5, 1, bonus=True), Verdict.PASSED))
    assert (result.score, result.max_score) == (1.5, 1.0)


def test_bonus_stands_behind_the_gate_too() -> None:
    gate, bonus = a_test("q", gate=True), a_test("q", 0.5, 1, bonus=True)
    (result,) = scored((gate, Verdict.FAILED), (bonus, Verdict.PASSED))
    assert result.score == 0.0


def test_the_note_names_the_broken_questions_that_a_failed_one_stands_on() -> None:
    base, other = a_test("base"), a_test("other")
    user = a_test("user", depends_on=("base", "other"))
    failed, passed = Verdict.FAILED, Verdict.PASSED
    assert scored((base, failed), (other, failed), (user, failed))[2].note == "probably because of base and other"
    assert scored((base, failed), (other, passed), (user, failed))[2].note == "probably because of base"
    assert scored((base, passed), (other, passed), (user, failed))[2].note == ""
    assert scored((base, failed), (other, failed), (user, passed))[2].note == ""


def test_what_is_not_written_is_not_laid_to_what_is_wrong() -> None:
    base, user = a_test("base"), a_test("user", depends_on=("base",))
    assert scored((base, Verdict.FAILED), (user, Verdict.MISSING))[1].note == ""
    assert scored((base, Verdict.MISSING), (user, Verdict.MISSING))[1].note == "probably because of base"


def test_nothing_is_laid_to_an_answer_in_another_notebook_or_where_nothing_could_be_read() -> None:
    base, user = a_test("base"), a_test("user", depends_on=("base",))
    suite = a_suite(base, user)
    records = [a_record(test, Verdict.FAILED) for test in (base, user)]
    notes = [q.note for q in score_questions(suite, records, {}, {"base": "first", "user": "second"})]
    assert notes == ["", ""]
    unreadable = scored((base, Verdict.INVALID_SUBMISSION), (user, Verdict.INVALID_SUBMISSION))
    assert [question.note for question in unreadable] == ["", ""]


def test_a_manual_question_waits_for_its_person_and_weighs_in_the_maximum() -> None:
    auto, manual = scored((a_test("q"), Verdict.PASSED), manual={"explain": 2.0})
    assert (manual.kind, manual.score, manual.max_score, manual.tests) == ("manual", None, 2.0, ())
    assert totals([auto, manual]) == (1.0, 3.0, 0.0)
    assert overall_verdict([auto, manual]) is Verdict.PASSED


def test_results_come_in_the_order_asked_for() -> None:
    suite = a_suite(a_test("a"), a_test("b"))
    records = [a_record(test, Verdict.PASSED) for test in suite.tests]
    results = score_questions(suite, records, {"m": 1.0}, {"m": "topic", "b": "second", "a": "topic"})
    assert [(result.name, result.notebook) for result in results] == [("m", "topic"), ("b", "second"), ("a", "topic")]


def test_the_worst_verdict_of_all_tests_is_shown() -> None:
    results = scored((a_test("a"), Verdict.FAILED), (a_test("b"), Verdict.TIMEOUT), (a_test("c"), Verdict.PASSED))
    assert [result.verdict for result in results] == [Verdict.FAILED, Verdict.TIMEOUT, Verdict.PASSED]
    assert overall_verdict(results) is Verdict.TIMEOUT
