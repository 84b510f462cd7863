from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import UsageError
from autograder.model import Verdict
from autograder.proof.trials import Graded
from autograder.release import release
from autograder.specimens import Specimen
from autograder.verify import Claim, _judged, _loses_something, _unnamed, verify
from tests.toolkit.reports import question, record, report
from tests.toolkit.tiny import TOPIC, edit, opened, tiny_course

RELEASED = "release/ is what 'autograder release' makes"
NO_LEAK = "nothing in release/ tells a solution or a hidden test"
ASKED = "every question asked has a model solution, hidden tests and points"
MANY = "every question has a misconception"
VARIANTS = "there are at least 3 right variants"
REFERENCE = "the model solution, filled into the handout, earns full marks"
UNTOUCHED = "the untouched notebook earns nothing: every answer is missing"
RIGHT = "right variants earn full marks (3)"
CHEAP = "zeros, ones and the input itself earn nothing (6)"


def hidden_tests(course: Course) -> Path:
    return course.root / "tests" / "hidden" / f"test_{TOPIC}.py"


def verified(course: Course, progress: list[tuple[int, int]] | None = None) -> dict[str, Claim]:
    told: list[tuple[int, int]] = [] if progress is None else progress
    claims = verify(Course(course.root), [TOPIC], jobs=1, progress=lambda done, total: told.append((done, total)))
    assert {claim.topic for claim in claims} == {TOPIC}
    assert all(claim.holds == (not claim.details) for claim in claims)
    return {claim.sentence: claim for claim in claims}


def failing(claims: dict[str, Claim]) -> dict[str, tuple[str, ...]]:
    return {sentence: claim.details for sentence, claim in claims.items() if not claim.holds}


def test_all_claims_hold_for_a_sound_assignment(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    release(course, TOPIC)
    progress: list[tuple[int, int]] = []
    claims = verified(course, progress)
    assert not failing(claims)
    assert {ASKED, RELEASED, NO_LEAK, MANY, VARIANTS, REFERENCE, UNTOUCHED, RIGHT, CHEAP} <= set(claims)
    assert len(claims) == 12
    assert progress == [(done, 14) for done in range(15)]


NOT_CALLED = '''

@question("Halver", points=0.5)
def test_that_never_calls_the_student():
    """Anyone passes"""
'''

AGAIN = """

@misconception(of="halve", hint="As the first one.")
def halve_rounding_again(x: Tensor) -> Tensor:
    return halve_rounding_down(x)
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """What is said of an assignment with one flaw per claim."""
    course = tiny_course(tmp_path_factory.mktemp("broken"))
    tests, wrong = hidden_tests(course), course.root / "reference" / "misconceptions" / f"{TOPIC}.py"
    edit(tests, "points=1, gate=True)", "points=1)")
    edit(tests, "    assert_inputs_untouched(student.halve, x)", "    student.halve(x)")
    edit(tests, ', depends_on=("halve",)', "")
    for path, text in ((tests, NOT_CALLED), (wrong, AGAIN)):
        edit(path, path.read_text(encoding="utf-8"), path.read_text(encoding="utf-8") + text)
    edit(course.root / "reference" / "variants" / f"{TOPIC}.py", "return x / 2\n", "return x / 3\n")
    release(course, TOPIC)
    (course.root / "release" / TOPIC / "old.txt").write_text("return x * _FACTOR\n", encoding="utf-8")
    return failing(verified(course))


@pytest.mark.parametrize(
    ("sentence", "detail"),
    [
        (RELEASED, "release/halving is missing or out of date; run: autograder release halving"),
        (NO_LEAK, "old.txt, its text: 'return x * _FACTOR' from the reference, line 24"),
        (
            UNTOUCHED,
            "test_that_never_calls_the_student finds passed in the untouched notebook; every test calls the answer",
        ),
        (RIGHT, "halve_by_dividing: loses test_halve_gives_half_of_every_entry (failed: "),
        (CHEAP, "zeros for halve earns 2 of 3 points in test_halve_leaves_its_input_alone, "),
        (
            "misconceptions lose points in their own question (4)",
            "halve_in_place passes every test of halve; add one that tells it from a right answer",
        ),
        (
            "misconceptions lose points only there and in questions that depend on it (4)",
            "halve_rounding_down of halve loses test_halver_halves_several_times of Halver; mark what depends on it",
        ),
        (
            "misconceptions are named in the report (4)",
            "halve_rounding_again of halve is taken for halve_rounding_down in test_halve_gives_half_of_every_entry; ",
        ),
    ],
)
def test_claim_fails_for_its_flaw(broken: dict[str, tuple[str, ...]], sentence: str, detail: str) -> None:
    assert any(line.startswith(detail) for line in broken[sentence]), broken[sentence]


def test_claims_without_a_flaw_hold_beside_others(broken: dict[str, tuple[str, ...]]) -> None:
    assert not {ASKED, MANY, VARIANTS, REFERENCE}.intersection(broken)


def test_handout_that_spoils_the_model_solution(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    handout = course.root / "assignments" / TOPIC / f"{TOPIC}.md"
    edit(handout, "That was all.\n", "```{code-cell} ipython3\nhalve = abs\n```\n")
    release(course, TOPIC)
    (details,) = (lines for sentence, lines in failing(verified(course)).items() if sentence == REFERENCE)
    assert details[0].startswith("reference: loses test_halve_gives_half_of_every_entry (failed: ")


def test_model_solution_that_fails_a_hidden_test(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    edit(course.root / "reference" / f"{TOPIC}.py", "    _require_floating(x)\n    return", "    return")
    release(course, TOPIC)
    (detail,) = failing(verified(course))["the model solution passes the hidden tests"]
    assert "test_halve_refuses_whole_numbers: the reference fails it" in detail


def test_files_that_disagree_are_not_graded(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    edit(course.root / "assignments" / TOPIC / f"{TOPIC}.md", ":question: Halver", ":question: Doubler")
    claims = verified(course)
    assert list(claims) == [ASKED]
    assert any("asks for 'Doubler'" in line for line in claims[ASKED].details)


def test_question_without_misconception_and_too_few_variants(tmp_path: Path) -> None:
    """Nothing is released either, and the hidden tests refuse the model solution: no time is spent on grading."""
    course = tiny_course(tmp_path)
    edit(course.root / "reference" / f"{TOPIC}.py", "    _require_floating(x)\n    return", "    return")
    edit(course.root / "reference/misconceptions" / f"{TOPIC}.py", 'of="Halver"', 'of="halve"')
    edit(course.root / "reference/variants" / f"{TOPIC}.py", '@variant(of="Halver")\n', "")
    claims = failing(verified(course))
    assert claims[RELEASED] == ("release/halving is missing or out of date; run: autograder release halving",)
    assert claims[MANY][0].startswith("Halver has none: add a wrong answer marked @misconception(of='Halver') to ")
    assert claims[VARIANTS][0].startswith("there are 2; add odd but right answers marked @variant(of=...) to ")
    assert not any("untouched" in sentence for sentence in claims)


def test_unknown_assignment_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'halving'"):
        verify(tiny_course(tmp_path), ["halvign"])


# ------------------------------------------------------------------------- judging a report alone


@pytest.fixture
def graded(tmp_path: Path) -> Graded:
    """The misconception ``wrong`` of ``halve``, which is found forbidden."""
    _, suite = opened(tiny_course(tmp_path))
    results = (question("halve", record(Verdict.FORBIDDEN, max_points=3.0)), question("Halver", record()))
    return Graded(Specimen("misconception", "wrong", "halve", b""), report(*results), suite)


def test_forbidden_answer_is_named_by_its_verdict(graded: Graded) -> None:
    assert not _judged(_unnamed, graded)


def test_specimen_that_could_not_be_graded_fails_its_claim(graded: Graded) -> None:
    ours = report(verdict=Verdict.GRADER_ERROR, message="Traceback\nGraderError: no more zygotes\n")
    ungraded = Graded(graded.specimen, ours, graded.suite)
    assert _judged(_loses_something, ungraded) == ["wrong: could not be graded: GraderError: no more zygotes"]
