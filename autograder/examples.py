"""Hypothesis examples drawn once per assignment and kept as bytes, the same for every student.

Hypothesis reads constants from local source, so that an edit elsewhere can change what a seed draws:
examples are therefore stored, never derived again while nothing they depend on has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypedDict

import hypothesis
import torch
from hypothesis import HealthCheck, Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import HypothesisException

import autograder
from autograder.course import Course, file_digest
from autograder.errors import AuthoringError, Mismatch
from autograder.files import write_whole
from autograder.sandbox.wire import Bounds, WireError, decode, encode
from autograder.seed import Seed
from autograder.suite import FIXTURES, HiddenTest, Suite
from autograder.testing.student import Student, to_wire
from autograder.text import clean

Examples = dict[str, list[bytes]]


class _Stored(TypedDict):
    """What a file of examples holds: the examples by test, and what they come from.

    ``tried_on`` is the digest of the reference that passed them, ``drawn_with`` names the libraries, ``drawn_for`` the
    source of each test.
    """

    tried_on: str
    drawn_with: str
    drawn_for: dict[str, str]
    examples: Examples


KEPT = 3  # files of examples per topic, purpose and seed: tests that are edited and edited back meet the same ones
_BOUNDS = Bounds(total_bytes=1 << 30, items=10_000_000, text_bytes=1 << 30)


def quiet(test: HiddenTest, *phases: Phase) -> settings:
    """The test's own settings without deadlines, files and prints."""
    own = getattr(test.function, "_hypothesis_internal_use_settings", None)
    return settings(
        own,
        database=None,
        deadline=None,
        derandomize=False,
        phases=phases,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )


def drive(test: HiddenTest, seed: int, body: Callable[..., None], *phases: Phase) -> None:
    """Run hypothesis on the test's strategies from ``seed``, with ``body`` in the place of the test's own."""
    function = test.function
    handle = function.hypothesis  # type: ignore[attr-defined]
    kept_settings = getattr(function, "_hypothesis_internal_use_settings", None)
    handle.inner_test = body
    function._hypothesis_internal_use_seed = seed  # type: ignore[attr-defined]  # noqa: SLF001 - what hypothesis.seed() sets
    function._hypothesis_internal_use_settings = quiet(test, *phases)  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        function(**dict.fromkeys(test.wants))
    finally:
        handle.inner_test = test.body
        function._hypothesis_internal_use_settings = kept_settings  # type: ignore[attr-defined]  # noqa: SLF001
        del function._hypothesis_internal_use_seed  # type: ignore[attr-defined]  # noqa: SLF001


def draw(test: HiddenTest, seed: int) -> list[bytes]:
    """The encoded arguments of every example that ``seed`` draws; one empty example for a fixed test."""
    if not test.drawn:
        return [encode({})]
    drawn: list[bytes] = []

    def record(**arguments: Any) -> None:
        drawn.append(encode_example(test, arguments))

    try:
        drive(test, seed, record, Phase.explicit, Phase.generate)
    except HypothesisException as error:
        raise AuthoringError(f"{test.name}: its examples cannot be drawn: {type(error).__name__}: {error}") from error
    return list(dict.fromkeys(drawn))


def encode_example(test: HiddenTest, arguments: dict[str, Any]) -> bytes:
    """Bytes of a test's drawn arguments; raises ``AuthoringError`` for what cannot be stored."""
    try:
        return encode({name: to_wire(value) for name, value in arguments.items() if name not in FIXTURES}, _BOUNDS)
    except Exception as error:
        raise AuthoringError(f"{test.name}: its examples cannot be stored: {error}") from error


def decode_example(data: bytes) -> dict[str, Any]:
    """Fresh arguments: every call owns its tensors."""
    arguments: dict[str, Any] = decode(data, _BOUNDS)
    return arguments


def load_examples(course: Course, suite: Suite, seed: Seed, purpose: str, reference: Student) -> Examples:
    """The stored examples of a suite, drawn now where there are none for this seed and these tests.

    Every example is tried on the reference when it is drawn and when the reference has changed, so
    that a failure later on is the student's. Raises ``AuthoringError`` where the reference fails.
    """
    set_hypothesis_home_dir(course.state / "hypothesis")  # by default it writes into the working directory
    path = examples_path(course, suite, seed, purpose)
    tried_on = file_digest(*sorted((course.root / "reference").glob("*.py")))
    stored = _read(path)
    if stored is not None and stored["tried_on"] == tried_on:
        return stored["examples"]
    known = stored["examples"] if stored else _standing(path, suite)
    examples = {
        test.name: known[test.name] if test.name in known else draw(test, seed.derive(purpose, suite.topic, test.name))
        for test in suite.tests
    }
    for test in suite.tests:
        for data in examples[test.name]:
            _try_reference(test, data, reference)
    drawn_for = {test.name: test.digest for test in suite.tests}
    _write(path, {"tried_on": tried_on, "drawn_with": _libraries(), "drawn_for": drawn_for, "examples": examples})
    _forget_all_but_the_newest(path)
    return examples


def _standing(path: Path, suite: Suite) -> Examples:
    """Examples of tests that an edit of the others has left as they were: those drawn last for the same source."""
    for earlier in reversed(_group(path)):
        stored = _read(earlier)
        if stored is not None and stored["drawn_with"] == _libraries():
            same = [test.name for test in suite.tests if stored["drawn_for"].get(test.name) == test.digest]
            return {name: stored["examples"][name] for name in same}
    return {}


def examples_path(course: Course, suite: Suite, seed: Seed, purpose: str) -> Path:
    """Where the examples of a suite are stored."""
    return course.state / "examples" / f"{suite.topic}-{purpose}-{seed.id}-{_key(suite, seed, purpose)}.bin"


def _group(path: Path) -> list[Path]:
    """All stored examples of the same seed for the same purpose, the newest last."""
    group, _ = path.name.rsplit("-", 1)
    with contextlib.suppress(OSError):  # another worker may be at it, and nothing depends on it
        found = [(other.stat().st_mtime_ns, other) for other in path.parent.glob(f"{group}-*.bin")]
        return [other for _, other in sorted(found)]
    return []


def _forget_all_but_the_newest(path: Path) -> None:
    """Remove what earlier tests drew from the same seed for the same purpose; a replay finds every seed's last ones."""
    for other in _group(path)[:-KEPT]:
        other.unlink(missing_ok=True)


def examples_digest(examples: Examples) -> str:
    """Names the examples of a suite: equal where every student meets the same ones."""
    digest = hashlib.sha256()
    for name in sorted(examples):
        for data in (name.encode(), *examples[name]):
            digest.update(f"{len(data)}:".encode() + data)
        digest.update(b"\n")
    return digest.hexdigest()


def run_example(test: HiddenTest, data: bytes, student: Student, reference: Student) -> None:
    """Call the test's body on one stored example."""
    call_body(test, decode_example(data), student, reference)


def call_body(test: HiddenTest, arguments: Mapping[str, Any], student: Student, reference: Student) -> None:
    """Call the test's body; what pytest's own ``fail``, ``raises`` and ``skip`` raise becomes a ``Mismatch``."""
    fixtures = {"student": student, "reference": reference}
    try:
        test.body(**{name: fixtures[name] for name in test.wants}, **arguments)
    except (Exception, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as outcome:  # pytest's are no Exception, and would end the grading process
        raise Mismatch(clean(str(outcome), 1000) or type(outcome).__name__) from outcome


def _try_reference(test: HiddenTest, data: bytes, reference: Student) -> None:
    try:
        reference.begin()
        run_example(test, data, reference, reference)
    except Exception as error:
        problem = f"{test.name}: the reference fails it: {type(error).__name__}: {error}"
        raise AuthoringError(f"{problem} on {decode_example(data)!r:.500}") from error


def _key(suite: Suite, seed: Seed, purpose: str) -> str:
    parts = (suite.digest, seed.id, purpose, _libraries())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _libraries() -> str:
    """Names what draws examples, beside the tests: the interface of tests, hypothesis, torch."""
    testing = sorted((Path(autograder.__file__).parent / "testing").glob("*.py"))
    return f"{file_digest(*testing)} {hypothesis.__version__} {torch.__version__.partition('+')[0]}"


def _read(path: Path) -> _Stored | None:
    """The examples at ``path``, or ``None`` where the file is absent or was damaged."""
    if not path.is_file():
        return None
    data = path.read_bytes()
    if hashlib.sha256(data[32:]).digest() != data[:32]:
        return None
    try:
        stored: _Stored = decode(data[32:], _BOUNDS)
    except WireError:
        return None
    return stored if stored.keys() == _Stored.__annotations__.keys() else None


def _write(path: Path, stored: _Stored) -> None:
    body = encode(stored, _BOUNDS)
    write_whole(path, hashlib.sha256(body).digest() + body, mode=0o600)  # graded inputs are a secret
