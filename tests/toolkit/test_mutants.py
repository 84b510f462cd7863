"""Mutants of the model solution: which there are, which the tests kill, which are explained."""

from __future__ import annotations

from pathlib import Path

import libcst as cst
import pytest

from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.proof.mutants import Outcome, markdown, mutants, mutation_test, reached_questions, read_equivalents
from autograder.proof.operators import OPERATORS
from tests.toolkit.tiny import TOPIC, edit, opened, tiny_course


def mutated(code: str) -> set[str]:
    """What the operators make of an expression or statement."""
    module = cst.parse_module(code)
    found = set[str]()

    class Everywhere(cst.CSTVisitor):
        def on_visit(self, node: cst.CSTNode) -> bool:
            for kind, operator in OPERATORS:
                for new in operator(node) if isinstance(node, kind) else ():
                    changed = module.deep_replace(node, new)
                    assert isinstance(changed, cst.Module)
                    found.add(changed.code)
            return True

    module.visit(Everywhere())
    return found


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x.detach()", "x"),
        ("x.clone()", "x"),
        ("x.to(dtype)", "x"),
        ("x.transpose(0, 1)", "x"),
        ("x.transpose(0, 1)", "x.transpose(1, 1)"),
        ("x.movedim(a, b)", "x.movedim(b, a)"),
        ("w.T", "w"),
        ("x.mean(dim=1, keepdim=True)", "x.mean(dim=1, )"),
        ("x.mean(dim=1, keepdim=True)", "x.mean(dim=1, keepdim=False)"),
        ("x.mean(dim=1, keepdim=True)", "x.sum(dim=1, keepdim=True)"),
        ("x.mean(dim=1, keepdim=True)", "x.mean(dim=None, keepdim=True)"),
        ("x.var(0, correction=0)", "x.var(0, correction=1)"),
        ("torch.exp(x)", "torch.expm1(x)"),
        ("torch.maximum(a, b)", "torch.minimum(a, b)"),
        ("a + b", "a - b"),
        ("a + b", "(a)"),
        ("a + b", "(b)"),
        ("a >= b", "a > b"),
        ("a >= b", "a == b"),
        ("a < b", "a <= b"),
        ("a < b", "a > b"),
        ("a and b", "a or b"),
        ("a and b", "a"),
        ("-x", "x"),
        ("eps = 1e-5", "eps = 2e-05"),
        ("eps = 1e-5", "eps = 0.0"),
        ("kind = 'affine'", 'kind = ""'),
        ("n = 2", "n = 1"),
        ("n = 0", "n = -1"),
        ("return_value = (a, b)", "return_value = (b, a)"),
        ("if a:\n    b\n", "if True:\n    b\n"),
        ("if a:\n    b\n", "if False:\n    b\n"),
        ("with torch.no_grad():\n    b\n", "if True:\n    b\n"),
        ("items.append(x)\n", "pass\n"),
        ("x += 1\n", "x -= 1\n"),
        ("a if c else b", "a if (c) and False else b"),
    ],
)
def test_operators(code: str, expected: str) -> None:
    assert expected in mutated(code)


@pytest.mark.parametrize("code", ["torch.clone", "F.relu(x)", "torch.clamp(x, 0)"])
def test_modules_are_not_taken_for_tensors(code: str) -> None:
    assert not {"torch", "F"} & mutated(code)


def test_mutants_of_the_tiny_course(tmp_path: Path) -> None:
    found = list(mutants(*opened(tiny_course(tmp_path))))
    by_name = {mutant.name: mutant for mutant in found}
    assert len(by_name) == len(found) == len({mutant.source for mutant in found})
    assert by_name["halve: return x * _FACTOR -> return x / _FACTOR"].questions == ("halve",)
    assert by_name["_FACTOR: _FACTOR = 0.5 -> _FACTOR = 1.0"].questions == ("halve", "Halver")
    assert by_name["Halver: self.calls += 1 -> self.calls -= 1"].questions == ("Halver",)
    assert not any("must be at least" in mutant.name for mutant in found)  # texts of errors stay
    assert not any("Tensor" in mutant.name.split(": ", 1)[1] for mutant in found if "def" not in mutant.name)


def test_helper_reaches_the_questions_that_need_it() -> None:
    source = "A = 1\ndef _h(): return A\ndef f(): return _h()\ndef g(): return f()\ndef _unused(): ...\n"
    assert reached_questions(source, ["f", "g"]) == {"A": ("f", "g"), "_h": ("f", "g"), "f": ("f",), "g": ("g",)}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The tiny course with a test less, and a record that is right, and one that is not."""
    course = tiny_course(tmp_path_factory.mktemp("mutated"))
    edit(course.root / "tests/hidden/test_halving.py", 'names=("x",)', "")
    record = course.root / "reference/mutants/halving.toml"
    record.parent.mkdir()
    record.write_text(RECORD, encoding="utf-8")
    told: list[tuple[int, int]] = []
    (found,) = mutation_test(course, [TOPIC], jobs=1, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (found.tried, found.tried)
    return found


RECORD = """
[[equivalent]]
mutants = ["Halver: def __init__(self, times: int = 1)* -> *", "halve: no such line -> *"]
reason = "the tiny tests leave the number of times out only where one call counts"
"""


def test_survivors_are_listed_and_the_rest_is_killed(outcome: Outcome) -> None:
    assert "Halver: if times < 1: -> if False:" in outcome.survivors
    assert not any(name.startswith("halve: return") for name in outcome.survivors)
    assert outcome.killed + len(outcome.survivors) + len(outcome.equivalent) == outcome.tried
    assert not outcome.holds


def test_recorded_mutants_are_equivalent_and_useless_records_stale(outcome: Outcome) -> None:
    (name,) = (name for name, _ in outcome.equivalent)
    assert name.endswith("-> def __init__(self, times: int = 2) -> None:")
    assert outcome.stale == ("halve: no such line -> *",)


def test_table_of_mutants(outcome: Outcome) -> None:
    table = markdown([outcome])
    assert f"| halving | {outcome.tried} | {outcome.killed} | 1 | {len(outcome.survivors)} |" in table
    assert "- survives: `Halver: if times < 1: -> if False:`" in table
    assert ": the tiny tests leave the number of times out only where one call counts" in table


def test_sample_is_drawn_from_all_and_knows_no_stale_records(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    record = course.root / "reference/mutants/halving.toml"
    record.parent.mkdir()
    record.write_text(RECORD, encoding="utf-8")
    (found,) = mutation_test(course, [TOPIC], sample=2, jobs=1)
    assert found.tried == 2
    assert not found.stale


def test_malformed_record_is_refused(tmp_path: Path) -> None:
    assignment = Course(tiny_course(tmp_path).root).assignment(TOPIC)
    assert read_equivalents(assignment) == {}
    assignment.equivalents.parent.mkdir()
    assignment.equivalents.write_text("[[equivalent]]\nmutant = 'x'\n", encoding="utf-8")
    with pytest.raises(AuthoringError, match=r"mutants.halving\.toml: .*unknown field `mutant`"):
        read_equivalents(assignment)


def test_mutant_that_could_not_be_graded_is_no_proof(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    (course.root / "release/halving").mkdir(parents=True)
    (course.root / "release/halving/manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(AuthoringError, match=r"manifest\.json"):
        mutation_test(course, [TOPIC], sample=1, jobs=1)
