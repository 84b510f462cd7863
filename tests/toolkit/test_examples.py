from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.examples import KEPT, Examples, decode_example, draw, load_examples
from autograder.seed import Seed
from autograder.suite import HiddenTest
from autograder.testing.student import LocalBackend, Student
from tests.toolkit.answers import hidden_tests
from tests.toolkit.tiny import TOPIC, edit, opened, tiny_course

SEED, OTHER = Seed(b"1" * 32), Seed(b"2" * 32)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


def load(course: Course, seed: Seed = SEED, purpose: str = "graded") -> Examples:
    """The examples as a new process would load them."""
    fresh = Course(course.root)
    _, suite = opened(fresh)
    reference = Student(LocalBackend(vars(fresh.load(fresh.assignment(TOPIC).reference))), suite.forbidden)
    return load_examples(fresh, suite, seed, purpose, reference)


def stored(course: Course) -> list[Path]:
    return sorted((course.state / "examples").iterdir())


def test_one_seed_gives_the_same_bytes_each_time(course: Course) -> None:
    first = load(course)
    (path,) = stored(course)
    path.unlink()
    assert load(course) == first
    assert {name: len(examples) for name, examples in first.items()} == {
        "test_halve_gives_half_of_every_entry": 10,
        "test_halve_leaves_its_input_alone": 5,
        "test_halve_refuses_whole_numbers": 3,
        "test_halver_halves_several_times": 10,
        "test_halver_counts_its_calls": 4,
    }


def test_what_edited_tests_no_longer_use_is_forgotten_but_for_the_newest(course: Course) -> None:
    load(course, OTHER)
    load(course, purpose="other")
    others = stored(course)
    tests = course.root / "tests" / "hidden" / f"test_{TOPIC}.py"
    drawn: list[Path] = []
    for number in range(KEPT + 2):
        edit(tests, "import torch\n", f"import torch\n\n# edit {number}\n")
        load(course)
        (path,) = set(stored(course)) - set(others) - set(drawn)
        drawn.append(path)
        os.utime(path, (number, number))
    assert stored(course) == sorted([*others, *drawn[-KEPT:]])


def test_another_process_draws_the_same(course: Course) -> None:
    program = f"""
from pathlib import Path
from autograder.course import Course
from tests.toolkit.test_examples import SEED, load
load(Course(Path({str(course.root)!r})))
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=120)
    (path,) = stored(course)
    theirs = path.read_bytes()
    path.unlink()
    load(course)
    assert path.read_bytes() == theirs


def test_stored_examples_are_read_and_not_drawn_again(course: Course) -> None:
    first = load(course)
    (path,) = stored(course)
    before = path.stat()
    assert load(course) == first
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert stat.S_IMODE(before.st_mode) == 0o600


def test_another_seed_or_purpose_draws_other_examples(course: Course) -> None:
    first, feedback, other = load(course), load(course, purpose="feedback"), load(course, OTHER)
    name = "test_halver_halves_several_times"
    assert len(stored(course)) == 3
    common = [set(one[name]) & set(two[name]) for one, two in ((first, feedback), (first, other), (feedback, other))]
    assert max(map(len, common)) <= 3  # of 10: every run begins with the simplest, and small ones meet by chance


def test_a_damaged_file_is_drawn_again(course: Course) -> None:
    first = load(course)
    (path,) = stored(course)
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole[:40] + b"x" + whole[41:], b"\0" * 32 + whole[32:]):
        path.write_bytes(damaged)
        assert load(course) == first
        assert path.read_bytes() == whole


def test_an_edit_of_the_tests_draws_again(course: Course) -> None:
    load(course)
    edit(course.assignment(TOPIC).hidden_tests, "@settings(max_examples=5)", "@settings(max_examples=6)")
    assert len(load(course)["test_halve_leaves_its_input_alone"]) == 6
    assert len(stored(course)) == 2


def test_an_edit_of_the_reference_keeps_the_examples_and_tries_them_again(course: Course) -> None:
    first = load(course)
    reference = course.assignment(TOPIC).reference
    edit(reference, "return x * _FACTOR", "return _FACTOR * x")
    assert load(course) == first
    edit(reference, "return _FACTOR * x", "return x.mul_(_FACTOR)")
    with pytest.raises(AuthoringError, match="test_halve_leaves_its_input_alone: the reference fails it: Mismatch"):
        load(course)
    edit(reference, "return x.mul_(_FACTOR)", "return _FACTOR * x")
    assert load(course) == first
    assert len(stored(course)) == 1


def test_a_test_that_the_reference_fails_is_named_with_the_example(course: Course) -> None:
    hidden_tests(
        course,
        '@question("halve", points=1)\n@given(n=st.integers(3, 3))\ndef test_wrong(student, n):\n    """T"""\n'
        "    assert_matches(student.halve(torch.ones(n)), torch.ones(n))\n",
    )
    message = r"test_wrong: the reference fails it: Mismatch: the result is off .* on \{'n': 3\}"
    with pytest.raises(AuthoringError, match=message):
        load(course)
    assert not (course.state / "examples").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "@given(f=st.just(object()))\ndef test_f(f):\n    ...",
            "test_f: its examples cannot be stored: an object .object. where a plain value or a tensor belongs",
        ),
        (
            "@given(data=st.data())\ndef test_d(data):\n    ...",
            "test_d: its examples cannot be stored",
        ),
        (
            "@given(n=st.integers().filter(lambda n: False))\ndef test_n(n):\n    ...",
            "test_n: its examples cannot be drawn: Unsatisfiable",
        ),
        (
            "@given(n=st.integers())\ndef test_a(n):\n    assume(False)",
            "test_a: the reference fails it: (UnsatisfiedAssumption|.*Using `assume` outside)",
        ),
        ("def test_s(student):\n    pytest.skip('later')", "test_s: the reference fails it: Mismatch: later on {}"),
        ("def test_c(student, capsys):\n    ...", "test_c: the reference fails it: TypeError: .*capsys"),
    ],
)
def test_a_test_that_cannot_be_graded_is_named(course: Course, text: str, message: str) -> None:
    head, body = text.split(":\n", 1)
    hidden_tests(course, f'@question("halve", points=1)\n{head}:\n    """T"""\n{body}\n')
    with pytest.raises(AuthoringError, match=message):
        load(course)


def test_a_fixed_test_has_one_empty_example(course: Course) -> None:
    hidden_tests(course, '@question("halve", points=1)\ndef test_fixed(student):\n    """T"""\n')
    (example,) = load(course)["test_fixed"]
    assert decode_example(example) == {}


def test_explicit_examples_are_graded_and_equal_ones_once(course: Course) -> None:
    hidden_tests(
        course,
        '@question("halve", points=1)\n@given(n=st.integers(0, 1))\n@example(n=100)\n@example(n=100)\n'
        'def test_e(student, n):\n    """T"""\n',
    )
    drawn = [decode_example(data)["n"] for data in load(course)["test_e"]]
    assert sorted(drawn) == [0, 1, 100]


def test_every_kind_of_value_is_stored_as_it_was_drawn(course: Course) -> None:
    hidden_tests(
        course,
        '@question("halve", points=1)\n@settings(max_examples=1)\n@given(x=ts.tensors((2, 3), layouts=("transposed",)),'
        " g=ts.generators(), d=st.just(torch.Size([1, 2])), h=ts.tensors(dtype=torch.float16), b=st.just(True))\n"
        'def test_k(student, x, g, d, h, b):\n    """T"""\n',
    )
    example = decode_example(load(course)["test_k"][0])
    assert example["x"].stride() == (1, 2)
    assert isinstance(example["g"], torch.Generator)
    assert (example["d"], example["h"].dtype, example["b"]) == ((1, 2), torch.float16, True)


def test_each_decoded_example_owns_its_tensors(course: Course) -> None:
    data = load(course)["test_halve_leaves_its_input_alone"][0]
    decode_example(data)["x"].fill_(7)
    assert not (decode_example(data)["x"] == 7).all()


def test_drawing_leaves_the_test_as_it_was(course: Course) -> None:
    _, suite = opened(course)
    test = suite.tests[0]
    before = (test.function.hypothesis.inner_test, test.function._hypothesis_internal_use_settings)  # type: ignore[attr-defined]
    draw(test, 1)
    assert before == (test.function.hypothesis.inner_test, test.function._hypothesis_internal_use_settings)  # type: ignore[attr-defined]
    assert not hasattr(test.function, "_hypothesis_internal_use_seed")


def test_an_edit_of_one_test_draws_no_examples_of_the_others(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever another draw from the same seed would give."""
    first = load(course)
    drawn: list[str] = []

    def note(test: HiddenTest, seed: int) -> list[bytes]:
        drawn.append(test.name)
        return draw(test, seed)

    monkeypatch.setattr("autograder.examples.draw", note)
    edit(course.assignment(TOPIC).hidden_tests, "@settings(max_examples=5)", "@settings(max_examples=6)")
    again = load(course)
    assert drawn == ["test_halve_leaves_its_input_alone"]
    assert {name for name in first if first[name] != again[name]} == set(drawn)
    monkeypatch.setattr("autograder.examples.torch.__version__", "another")
    drawn.clear()
    assert load(course).keys() == first.keys()
    assert sorted(drawn) == sorted(first)
