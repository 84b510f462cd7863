from __future__ import annotations

import pytest

from autograder.errors import AuthoringError
from autograder.testing import AUTOGRAD, forbid, misconception, question, variant
from autograder.testing.marks import Misconception, Question, Variant


def titled() -> None:
    """A title."""


def test_a_question_is_marked_with_all_that_was_said() -> None:
    test = question("q", points=2, gate=True, bonus=False, depends_on=("p",), devices=("cuda",))(titled)
    assert test is titled
    mark = Question("q", 2.0, gate=True, bonus=False, depends_on=("p",), devices=("cuda",))
    assert test.autograder_question == mark  # type: ignore[attr-defined]


@pytest.mark.parametrize("points", [0, -1, float("nan"), float("inf")])
def test_a_test_counts_for_more_than_nothing(points: float) -> None:
    with pytest.raises(AuthoringError, match=r"question 'q': points=.*; a test counts for more than 0 points"):
        question("q", points=points)


@pytest.mark.parametrize("doc", [None, "", "  \n "])
def test_a_test_needs_a_title(doc: str | None) -> None:
    def test_untitled() -> None: ...

    test_untitled.__doc__ = doc
    with pytest.raises(AuthoringError, match="test_untitled: needs a docstring; its first line is the title"):
        question("q", points=1)(test_untitled)


def test_wrong_and_odd_answers_carry_their_names() -> None:
    wrong = misconception(of="q", hint="Look again.")(titled)
    assert wrong.autograder_misconception == Misconception("titled", "q", "Look again.")  # type: ignore[attr-defined]
    assert variant(of="q")(titled).autograder_variant == Variant("titled", "q")  # type: ignore[attr-defined]


def test_the_first_forbidden_event_is_found_by_pattern() -> None:
    rule = forbid("aten::*softmax*", "nn.Conv2d", names=["softmax"], because="it is the exercise")
    assert rule.match(["aten::add", "aten::_softmax", "nn.Conv2d"]) == "aten::*softmax*", "never the event's own text"
    assert rule.match(["nn.Conv2d"]) == "nn.Conv2d"
    assert rule.match(["nn.Conv2dx", "aten::exp", "ATEN::softmax"]) is None
    assert rule.match([]) is None
    assert (rule.names, rule.because) == (("softmax",), "it is the exercise")


def test_autograd_has_a_pattern_of_its_own() -> None:
    assert forbid(*AUTOGRAD).match(["autograd::engine::evaluate_function: MulBackward0"])
    assert forbid(*AUTOGRAD).match(["aten::_make_dual"])
    assert forbid(*AUTOGRAD).match(["aten::mul"]) is None
