from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.proof.contract import Contract, read_contract
from autograder.proof.conventions import CONVENTIONS
from tests.toolkit.tiny import TOPIC, tiny_course

SOUND = """
halves = true
[routes]
everywhere = "torch.ldexp(torch.ones(1), torch.ones(1))"
[exempt]
stability = "small numbers only"
[questions.halve.lines]
half = "half of every entry"
[questions.halve.routes]
here = "torch.ones(1).ldexp(torch.ones(1))"
[questions.halve.exempt]
vectorised = "there is no batch"
"""


def read(folder: Path, text: str) -> Contract:
    course = tiny_course(folder)
    assignment = Course(course.root).assignment(TOPIC)
    assignment.contract.parent.mkdir(parents=True, exist_ok=True)
    assignment.contract.write_text(text, encoding="utf-8")
    return read_contract(assignment, ["halve", "Halver"], CONVENTIONS)


def test_clauses_of_all_questions_and_of_one(tmp_path: Path) -> None:
    contract = read(tmp_path, SOUND)
    assert contract.halves
    assert contract.lines("halve") == {"half": "half of every entry"}
    assert contract.lines("Halver") == {}
    both = ["halve", "Halver"]
    assert list(contract.routes_for("halve", both)) == ["everywhere", "here"]
    assert list(contract.routes_for("Halver", both)) == ["everywhere"]
    assert [place for place, _ in contract.all_routes()] == ["routes.everywhere", "questions.halve.routes.here"]
    assert set(contract.exemptions("halve")) == {"stability", "vectorised"}
    assert set(contract.exemptions("Halver")) == {"stability"}


def test_routes_for_all_are_shared_out() -> None:
    contract = Contract(routes={f"route{number}": "pass" for number in range(7)})
    questions = ["a", "b", "c"]
    shares = [list(contract.routes_for(question, questions)) for question in questions]
    assert sorted(name for share in shares for name in share) == sorted(contract.routes)
    assert [len(share) for share in shares] == [3, 2, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("halves = 1 +", r"halving\.toml: .*line 1"),
        ("halves = 'yes'", r"halving\.toml: Expected `bool`, got `str`"),
        ("halfs = true", r"halving\.toml: .*unknown field `halfs`"),
        ("[questions.double]", r"there is no question 'double'; there are Halver, halve"),
        (
            "[exempt]\nnoise = 'loud'",
            r"there is no convention 'noise' to be exempt from; there are aliasing, defaults, ",
        ),
        ("[questions.halve.exempt]\nnoise = 'loud'", "there is no convention 'noise'"),
    ],
)
def test_malformed_contract_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AuthoringError, match=message):
        read(tmp_path, text)


def test_missing_contract_is_named(tmp_path: Path) -> None:
    assignment = tiny_course(tmp_path).assignment(TOPIC)
    assignment.contract.unlink(missing_ok=True)
    with pytest.raises(
        AuthoringError, match=r"halving\.toml is missing: it holds the lines of the contract, to be proved"
    ):
        read_contract(assignment, ["halve"], CONVENTIONS)
