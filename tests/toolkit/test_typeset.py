from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.typeset import WIDTH, code, prose, sentence


def test_names_between_backticks_are_code_and_all_else_is_text() -> None:
    assert prose("use `a < b` <b>") == "use <code>a &lt; b</code> &lt;b&gt;"
    assert prose("a lone ` stays") == "a lone ` stays"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the result is off", "The result is off."),
        ("stopped after 5 s.", "Stopped after 5 s."),
        ("softmax runs too long", "softmax runs too long"),
        ("NameError: x", "NameError: x"),
        ("two\nlines", "two\nlines"),
        ("", ""),
    ],
)
def test_a_message_becomes_a_sentence_unless_it_begins_with_a_name(text: str, said: str) -> None:
    assert sentence(text) == said


def test_a_short_call_stays_on_its_line() -> None:
    assert code("f(1, [2, 3])\ng(x)") == "f(1, [2, 3])\ng(x)"


def test_a_long_call_has_an_argument_a_line_and_a_row_a_line() -> None:
    row = "[" + ", ".join(["0.12345"] * 6) + "]"
    shown = code(
        f"attention(torch.tensor([{row}, {row}]), a tensor of shape (50, 3), first entries 1, 2, ..., n=2)  # it"
    )
    assert shown.split("\n") == [
        "attention(",
        f"    torch.tensor([{row},",
        f"                  {row}]),",
        "    a tensor of shape (50, 3), first entries 1, 2, ...,",
        "    n=2,",
        ")  # it",
    ]


@given(st.text(alphabet="f(x[], )\n1", min_size=WIDTH, max_size=3 * WIDTH))
@settings(max_examples=80)
def test_nothing_but_spaces_and_commas_is_added_or_lost(text: str) -> None:
    def bare(said: str) -> str:
        return "".join(char for char in said if char not in " ,\n")

    assert bare(code(text)) == bare(text)
