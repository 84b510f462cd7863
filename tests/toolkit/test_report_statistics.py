from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from autograder.model import GradeReport, Verdict
from autograder.report.charts import bin_name, scores_chart
from autograder.report.statistics import (
    Answer,
    Bin,
    Item,
    Outcome,
    Spread,
    by_question,
    by_test,
    conditions,
    correlation,
    items,
    misconceptions,
    score_bins,
    standard_error,
    time_bins,
)
from tests.toolkit.reports import PROVENANCE, every_verdict, invalid, manual_question, mixed, question, record, report


def paper(points: Sequence[float], worth: Sequence[float] | None = None) -> list[Answer]:
    """A student's points at items that are worth one each, or ``worth``."""
    return [
        Answer("q", f"item{i}", "", got, most, most, Outcome.PASSED if got else Outcome.WRONG)
        for i, (got, most) in enumerate(zip(points, worth or [1.0] * len(points), strict=True))
    ]


BINARY = st.integers(2, 6).flatmap(
    lambda width: st.lists(
        st.lists(st.sampled_from([0.0, 1.0]), min_size=width, max_size=width), min_size=2, max_size=30
    )
)


# --------------------------------------------------------------------------------------- item analysis


def test_known_values() -> None:
    """Five students, three items; the coefficients by hand.

    Item 0 is won by the first two. The rest of the five is 2, 1, 1, 1, 0 with mean 1, so that the products of
    deviations sum to 0.6 * 1 + 0.4 * 1 = 1 and their squares to 1.2 and 2.
    """
    found = items([paper(p) for p in ([1, 1, 1], [1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0])])
    assert [item.difficulty for item in found] == [0.4, 0.6, 0.4]
    assert found[0].discrimination == pytest.approx(1 / math.sqrt(2.4))
    assert [item.students for item in found] == [5, 5, 5]


@given(BINARY)
def test_discrimination_is_the_correlation_with_the_other_items(scores: list[list[float]]) -> None:
    table = np.array(scores)
    for index, item in enumerate(items(map(paper, scores))):
        own, rest = table[:, index], np.delete(table, index, axis=1).sum(axis=1)
        if own.std() == 0 or rest.std() == 0:
            assert item.discrimination is None
        else:
            assert item.discrimination == pytest.approx(np.corrcoef(own, rest)[0, 1], abs=1e-6)
        assert item.difficulty == pytest.approx(own.mean())


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=40))
def test_of_an_item_won_or_lost_it_is_the_point_biserial_correlation(pairs: list[tuple[bool, int]]) -> None:
    won, lost = ([rest for item, rest in pairs if item is value] for value in (True, False))
    rests = np.array([rest for _, rest in pairs])
    assume(won and lost and rests.std() > 0)
    share = len(won) / len(pairs)
    textbook = (np.mean(won) - np.mean(lost)) / rests.std() * math.sqrt(share * (1 - share))
    assert correlation([(float(item), float(rest)) for item, rest in pairs]) == pytest.approx(textbook, abs=1e-9)


@given(BINARY, st.randoms(use_true_random=False))
def test_the_order_of_students_means_nothing(scores: list[list[float]], order: object) -> None:
    shuffled = list(scores)
    order.shuffle(shuffled)  # type: ignore[attr-defined]

    def rounded(found: list[Item]) -> list[tuple[float | None, float | None]]:
        return [(item.difficulty, item.discrimination and round(item.discrimination, 9)) for item in found]

    assert rounded(items(map(paper, scores))) == rounded(items(map(paper, shuffled)))


def test_sums_of_tenths_make_no_correlation() -> None:
    """0.1 + 0.2 is not 0.3, and yet these students did equally well at the rest."""
    found = items([paper([1, 0.1, 0.2, 0.0], [1, 1, 1, 1]), paper([0, 0.3, 0.0, 0.0], [1, 1, 1, 1])])
    assert found[0].discrimination is None


def test_remarks_name_what_an_author_should_look_at() -> None:
    papers = [paper(p) for p in ([1, 0, 0, 1, 1], [1, 0, 0, 1, 1], [1, 0, 1, 0, 0], [1, 0, 1, 0, 0])]
    assert [item.remark for item in items(papers)] == ["everybody", "nobody", "negative", "", ""]
    assert items([*papers, paper([0, 0, 0, 0, 0])])[0].remark == ""


def test_only_decided_points_of_readable_notebooks_count() -> None:
    found = {item.title: item for item in items(map(by_question, [mixed(), invalid()]))}
    attention, manual, softmax = (
        found[name] for name in ("scaled_dot_product_attention", "explain_masking", "softmax")
    )
    assert (attention.students, attention.difficulty) == (1, 0.25)  # 1 of 4: the fifth point waits for a GPU
    assert (manual.students, manual.difficulty, manual.pass_rate) == (0, None, None)
    assert (softmax.students, softmax.pass_rate) == (1, 0.0)
    assert softmax.outcomes == Counter({Outcome.PARTLY: 1, Outcome.UNREAD: 1})


@pytest.mark.parametrize(("score", "outcome"), [(2.0, "passed"), (0.5, "partly"), (0.0, "wrong"), (None, "open")])
def test_outcome_of_a_question_that_a_person_scores(score: float | None, outcome: str) -> None:
    (answer,) = by_question(report(manual_question(score=score)))
    assert (answer.outcome, answer.worth) == (outcome, 0.0 if score is None else 2.0)


def test_outcome_of_each_verdict() -> None:
    other = {"passed": "passed", "missing": "missing", "deferred": "open", "invalid_submission": "unread"}
    expected = [other.get(verdict, "wrong") for verdict in Verdict]
    assert [answer.outcome for answer in by_test(every_verdict())] == expected
    assert [answer.outcome for answer in by_question(every_verdict())] == expected


def test_a_test_behind_a_shut_gate_is_passed_and_earns_nothing() -> None:
    gated = report(question("softmax", record(Verdict.FAILED), record(points=0.0)))
    item = items([by_test(gated)])[1]
    assert (item.pass_rate, item.difficulty) == (1.0, 0.0)


def test_error_of_a_correlation() -> None:
    assert standard_error(26) == 0.2
    assert standard_error(1) is None
    assert correlation([]) is None


# ------------------------------------------------------------------------------------------- the class


def test_spread() -> None:
    spread = Spread.of([4.0, 1.0, 3.0, 2.0])
    assert spread is not None
    assert (spread.mean, spread.median, spread.least, spread.most, spread.tenth_largest) == (2.5, 2.5, 1, 4, 4)
    assert spread.deviation == pytest.approx(math.sqrt(5 / 3))
    assert Spread.of(list(map(float, range(1, 11)))).tenth_largest == 9  # type: ignore[union-attr]
    assert Spread.of([7.0]).deviation == 0  # type: ignore[union-attr]
    assert Spread.of([]) is None


def test_what_is_above_full_marks_stands_alone_as_well() -> None:
    bins = score_bins([2.0, 3.0, 3.5, 8.5], 3.0)
    assert bins[-2:] == [Bin(3.0, 3.0, 1), Bin(3.0, math.inf, 2)]
    assert [bin_name(found) for found in bins[-2:]] == ["3", "more than 3"]
    assert "; 3 students have all, " in scores_chart(bins, Spread(4, 4.25, 3.25, 2.9, 2.0, 8.5, 8.5), 3.0).summary


def test_what_is_partly_open_is_no_failure() -> None:
    partly = report(question("softmax", record(), record(Verdict.DEFERRED)))
    (item,) = items([by_question(partly)])
    assert (item.students, item.pass_rate, item.difficulty, item.remark) == (1, None, 1.0, "")


def test_points_that_a_person_took_off_are_no_pass() -> None:
    taken = [report(question("softmax", record(), record(), score=score)) for score in (0.5, 0.0)]
    (item,) = items(map(by_question, taken))
    assert item.outcomes == {Outcome.PARTLY: 1, Outcome.WRONG: 1}


def test_full_marks_stand_alone() -> None:
    assert score_bins([0.0, 1.9, 2.0, 3.0, 3.0], 3.0)[-1] == Bin(3.0, 3.0, 2)
    assert [found.count for found in score_bins([22.0, 21.5, 20.0, 0.2], 22.0)] == [1, *[0] * 19, 1, 1, 1]


@given(st.integers(1, 4000).map(lambda tenths: tenths / 10), st.lists(st.floats(0, 1), max_size=50))
def test_every_score_is_in_its_bin_and_there_are_few(maximum: float, shares: list[float]) -> None:
    scores = [round(share * maximum, 6) for share in shares]
    bins = score_bins(scores, maximum)
    assert sum(found.count for found in bins) == len(scores)
    assert len(bins) <= 27
    for found in bins[:-1]:
        assert found.count == sum(found.low <= score + 1e-9 and score + 1e-9 < found.high for score in scores)
    assert bins[-1].low == maximum


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=50))
def test_every_time_is_in_its_bin(times: list[float]) -> None:
    bins = time_bins(times)
    assert sum(found.count for found in bins) == len(times)
    assert bins[0].count
    assert bins[-1].count or max(times) > bins[-1].low - 1e-6
    assert all(one.high == other.low for one, other in itertools.pairwise(bins))


def test_no_times_no_bins() -> None:
    assert time_bins([]) == []
    assert time_bins([0.03, 0.7, 0.5]) == [Bin(0, 0.1, 1), Bin(0.1, 0.2, 0), Bin(0.2, 0.5, 0), Bin(0.5, 1, 2)]


def with_hints(student: str, *names: str) -> GradeReport:
    tests = [
        record(Verdict.FAILED, name=f"test_{i}", hint=f"About {name}.", misconception=name)
        for i, name in enumerate(names)
    ]
    return report(question("softmax", *tests), student=student)


def test_misconceptions_are_counted_by_student() -> None:
    found = misconceptions([with_hints("ada", "b", "b"), with_hints("bob", "a", "b"), with_hints("eve")])
    assert [(one.name, len(one.students), len(one.tests), one.hint) for one in found] == [
        ("b", 2, 2, "About b."),
        ("a", 1, 1, "About a."),
    ]


def test_a_hint_without_a_name_stands_for_itself() -> None:
    tests = record(Verdict.FAILED, hint="Subtract the largest score.")
    assert misconceptions([report(question("softmax", tests))])[0].name == "Subtract the largest score."


def test_mixed_conditions_are_pointed_at() -> None:
    other = replace(PROVENANCE, isolation="process")
    found = {one.name: one for one in conditions([report(), report(provenance=other), report()])}
    assert found["isolation"].values == (("sandbox", 2), ("process", 1))
    assert [name for name, one in found.items() if one.mixed] == ["isolation"]
    assert found["hypothesis"].values == (("not told", 3),)
    assert conditions([]) == []


def test_graphics_cards_are_told_where_there_are_some() -> None:
    def cards(*names: str) -> list[tuple[tuple[str, int], ...]]:
        made = [report(provenance=replace(PROVENANCE, gpu=name)) for name in names]
        return [one.values for one in conditions(made) if one.name == "graphics card"]

    assert cards("", "") == []
    assert cards("H200", "") == [(("H200", 1),)]
    assert cards("H200", "T4", "T4") == [(("T4", 2), ("H200", 1))]
