"""Hostile bytes and replies: the grading side ends with a value, a verdict, and the memory that it had."""

from __future__ import annotations

import inspect
import json
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.course import Course
from autograder.disclosure import for_student
from autograder.errors import ProcessDied, StudentFault
from autograder.model import GradeReport, Limits, TestRecord, Verdict
from autograder.provenance import Options
from autograder.runner import Grader
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.sandbox.wire import Bounds, Handle, WireError, decode, encode
from autograder.testing import log
from autograder.testing.student import LocalBackend, RememberingBackend, Student
from tests import fuzz_wire
from tests.toolkit.answers import Bank, hidden_tests, namespace
from tests.toolkit.handed_in import RIGHT as REFERENCE
from tests.toolkit.hosts import ROOT, notebook
from tests.toolkit.reports import question, report
from tests.toolkit.test_runner import hand_in
from tests.toolkit.test_wire import VALUES
from tests.toolkit.tiny import TOPIC, tiny_course

REPLY = Bounds(total_bytes=Limits().reply_bytes)


def u32(number: int) -> bytes:
    return struct.pack("<I", number)


# ----------------------------------------------------------------------------------------------- bytes


def test_bent_bytes_break_no_law_of_the_wire() -> None:
    """A few seconds of what ``python -m tests.fuzz_wire`` does for as long as one likes."""
    inputs, values = fuzz_wire.fuzz(3.0, random.SystemRandom().randrange(1 << 32))
    assert inputs > 1000
    assert values > 0


@given(value=VALUES, seed=st.integers(0, 1 << 32), rounds=st.integers(1, 5))
@settings(max_examples=400)
def test_any_value_bent_breaks_no_law_of_the_wire(value: Any, seed: int, rounds: int) -> None:
    chance, data = random.Random(seed), encode(value)  # noqa: S311 - to be repeated, not to be secret
    assert fuzz_wire.check(data, REPLY)
    for _ in range(rounds):
        data = fuzz_wire.mutate(chance, data, [encode(value)])
        fuzz_wire.check(data)


def test_the_fuzzer_runs_by_hand() -> None:
    program = [sys.executable, "-m", "tests.fuzz_wire", "--seconds", "0.5", "--seed", "3"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "seed 3\n" in done.stdout
    assert "of them values, no law broken" in done.stdout


def test_numbers_that_share_a_hash_are_no_keys() -> None:
    """Each would be compared with all before it: 20,000 of them took 6 s, and no deadline holds while decoding."""
    prime = sys.hash_info.modulus
    keys = [prime * number for number in range(4, 1000)]
    assert len(set(map(hash, keys))) == 1
    with pytest.raises(WireError, match="not a plain value"):
        decode(b"d" + u32(len(keys)) + b"".join(encode(key) + b"N" for key in keys))


# Values that take far more memory than their bytes, or as much as they may.
BOMBS: dict[str, Callable[[], bytes]] = {
    "scalar tensors": lambda: b"l" + u32(190_000) + encode(torch.ones((), dtype=torch.uint8)) * 190_000,
    "empty tensors": lambda: b"l" + u32(190_000) + encode(torch.ones(0)) * 190_000,
    "arrays": lambda: b"l" + u32(190_000) + encode(torch.ones(1).numpy()) * 190_000,
    "generators": lambda: b"l" + u32(1600) + encode(torch.Generator()) * 1600,
    "dictionaries": lambda: b"l" + u32(190_000) + (b"d" + u32(0)) * 190_000,
    "handles": lambda: b"l" + u32(190_000) + encode(Handle(1)) * 190_000,
    "long numbers": lambda: b"l" + u32(120_000) + encode(1 << 500) * 120_000,
    "lists of lists": lambda: b"l" + u32(90_000) + (b"l" + u32(1) + b"l" + u32(0)) * 90_000,
    "wide text": lambda: encode("\U0001f600" + "a" * (4_000_000)),
    "two texts": lambda: b"l" + u32(2) + encode("\U0001f600" + "a" * 4_000_000) * 2,
    "bytes": lambda: b"b" + u32(8 << 20) + bytes(8 << 20),
    "one tensor": lambda: encode(torch.zeros((8 << 20) - 1024, dtype=torch.uint8)),
    "truth": lambda: encode(torch.zeros((8 << 20) - 1024, dtype=torch.bool)),
    "expanded": lambda: b"x" + struct.pack("<BBQ", 0, 1, 4) + struct.pack("<qq", 2_000_000, 0) + bytes(4),
    "expanded too far": lambda: b"x" + struct.pack("<BBQ", 0, 1, 4) + struct.pack("<qq", 1 << 40, 0) + bytes(4),
}
_PEAKS = """
import os, resource, sys
sys.path.insert(0, {root!r})
import torch
from autograder.sandbox.wire import Bounds, WireError, decode, encode
bounds = Bounds(total_bytes={limit})
decode(encode([torch.ones(2), torch.ones(2).numpy(), torch.Generator(), torch.ones(2) > 0]))
while size := sys.stdin.buffer.read(4):
    data = sys.stdin.buffer.read(int.from_bytes(size, "little"))
    if os.fork() == 0:  # each value in a process of its own
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            value = decode(data, bounds)
        except WireError:
            pass
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10, flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def peaks() -> dict[str, int]:
    """By name, the memory that a process needed at its peak to decode a value, beyond what it held before."""
    program = _PEAKS.format(root=str(ROOT), limit=REPLY.total_bytes)
    bombs: list[bytes] = [make() for make in BOMBS.values()]
    values = b"".join(u32(len(data)) + data for data in bombs)
    done = subprocess.run([sys.executable, "-c", program], input=values, capture_output=True, check=True)
    return dict(zip(BOMBS, map(int, done.stdout.split()), strict=True))


@pytest.mark.parametrize("name", BOMBS)
def test_a_value_takes_a_small_multiple_of_what_it_may(peaks: dict[str, int], name: str) -> None:
    assert peaks[name] < 6 * REPLY.total_bytes


def test_what_a_value_takes_is_seen(peaks: dict[str, int]) -> None:
    assert peaks["one tensor"] >= REPLY.total_bytes // 2


# --------------------------------------------------------------------------------------------- replies

ODD: list[Any] = [
    None, True, 5, -1, 1 << 500, float("nan"), "x", "x" * 5000, b"x", [], [5], ["0.0", 5], (), {}, {"a": 5},
    {"number": 3}, Handle(1), Handle(-(1 << 63), "k"), [[["x"] * 20] * 20] * 20, torch.ones(3), torch.ones(0),
    torch.tensor(True), torch.ones(2).expand(1000, 2), torch.ones(2).numpy(), torch.Generator(),
]  # fmt: skip
FIELDS = (
    *("status", "value", "modified", "aliases", "requires_grad", "events", "operations", "grads", "after"),
    *("message", "type", "where", "bases"),
)
STATUSES = ("ok", "error", "missing", "unusable", "invalid", "timeout", "passed")
GONE = object()


class Odd(LocalBackend):
    """Answers rightly for a while, and then with a field replaced in every reply."""

    def __init__(self, source: str, field: str, odd: Any, status: str, after: int) -> None:
        super().__init__(namespace(source))
        self.change, self.left = {field: odd}, after
        self.status = status

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        reply = super().answer(request)
        if request["op"] == "begin":
            return reply
        self.left -= 1
        if self.left >= 0:
            return reply
        changed = reply | {"status": self.status} | self.change
        return {key: value for key, value in changed.items() if value is not GONE}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return Bank(tiny_course(tmp_path_factory.mktemp("fuzz")))


@given(
    field=st.sampled_from(FIELDS), odd=st.sampled_from([*ODD, GONE]) | VALUES, status=st.sampled_from(STATUSES),
    after=st.integers(0, 30), which=st.integers(0, 4), right=st.booleans(),
)  # fmt: skip
@settings(max_examples=150)
def test_a_reply_with_an_odd_field_is_a_verdict(
    bank: Bank, field: str, odd: Any, status: str, after: int, which: int, right: bool
) -> None:
    test = bank.suite.tests[which]
    source = "" if right else "\ndef halve(x):\n    return x\n"
    student = Student(Odd(source, field, odd, status, after), bank.suite.forbidden)
    record = bank.judge(test.name.removeprefix("test_"), source, student=student)
    assert record.verdict in set(Verdict) - {Verdict.GRADER_ERROR}
    assert record.points == (test.question.points if record.verdict is Verdict.PASSED else 0.0)
    _can_be_told(record)


def _can_be_told(record: TestRecord) -> None:
    told = report(question("halve", record), student="ada")
    assert GradeReport.from_json(told.to_json()) == told
    shown = for_student(told, "full")
    assert GradeReport.from_json(shown.to_json()) == shown


@pytest.mark.parametrize(
    ("field", "odd"),
    [
        ("modified", 5),
        ("modified", "0.0"),
        ("aliases", [5]),
        ("events", {"aten::mul": 1}),
        ("operations", "3"),
        ("operations", True),
        ("grads", {}),
        ("grads", ["x"]),
        ("message", 5),
        ("bases", "ValueError"),
        ("type", None),
        ("where", [1]),
        ("requires_grad", True),
        ("value", GONE),
    ],
)
def test_a_field_of_another_type_breaks_the_protocol(field: str, odd: Any) -> None:
    student = Student(Odd("", field, odd, "ok", 0))
    with pytest.raises(StudentFault, match="sent what is no reply to 'call'") as fault:
        student.halve(torch.ones(1))
    assert fault.value.verdict is Verdict.PROTOCOL


def test_a_broken_protocol_is_named_and_not_explained(bank: Bank) -> None:
    student = Student(Odd("", "modified", 5, "ok", 0), bank.suite.forbidden)
    record = bank.judge("halve_gives_half_of_every_entry", "", student=student)
    assert record.message == "the notebook's process sent what is no reply to 'call'"
    assert (record.hint, record.counterexample) == (None, None)


# ------------------------------------------------------------------------------------- a real process

# What a notebook does to its own process: every reply to a call goes out bent, the frame around it as well.
BENT = f"""
import random, struct, sys
from autograder.sandbox import child, wire
CHANCE = random.Random(SEED)
{inspect.getsource(fuzz_wire.mutate)}
SENT, BEGUN = child._send, [0]
def bent(descriptor, number, body):
    if b"requires_grad" not in body:
        return SENT(descriptor, number, body)
    BEGUN[0] += 1
    if BEGUN[0] % 3:
        return SENT(descriptor, number, body)
    if CHANCE.random() < 0.7:
        return SENT(descriptor, number, mutate(CHANCE, body, [body]))
    data = mutate(CHANCE, struct.pack("<IQQ", wire.MAGIC, number, len(body)) + body, [body])
    while data:
        data = data[child._write(descriptor, data):]
child._send = bent
"""
ODD_ALWAYS = """
import itertools, torch
from autograder.sandbox import child, wire
FIELDS = itertools.cycle(NAMES)
ODD = [5, "x", [5], {}, None, torch.ones(2), wire.Handle(7, "\\x1b[31m"), "\\ud800" * 9, [[[]] * 99] * 99]
ODD = itertools.cycle(ODD)
ENCODED = child._encoded
def odd(reply, bounds):
    if "requires_grad" in reply or reply["status"] == "error":
        reply = reply | {next(FIELDS): next(ODD)}
    return ENCODED(reply, bounds)
child._encoded = odd
""".replace("NAMES", repr(FIELDS[1:]))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("sandbox") as found:
        yield found


def test_bent_frames_of_a_real_process_give_a_value_or_the_end_of_the_process(sandbox: Sandbox) -> None:
    limits = Limits(call_seconds=0.5, restarts=30)
    seed = random.SystemRandom().randrange(1 << 32)
    cells = ("import torch\ndef f(x): return {'a': x * 2, 'b': [1, 'x']}", BENT.replace("SEED", str(seed)))
    session = Session(sandbox, notebook(*cells), limits)
    session.open()
    assert [cell.status for cell in session.cells] == ["ok", "ok"], session.cells
    student, answers = Student(session), 0
    deaths: list[Verdict] = []
    while len(deaths) < 25 and answers < 400:
        try:
            session.revive()
            student.begin()
            answers += bool([student.f.answer(torch.ones(3)) for _ in range(3)])
        except ProcessDied as death:
            deaths.append(death.verdict)
        except StudentFault:
            answers += 1  # a refusal is an answer, too
    session.close()
    assert set(deaths) <= {Verdict.PROTOCOL, Verdict.TIMEOUT, Verdict.CRASHED}, f"seed {seed}: {deaths}"
    assert Verdict.PROTOCOL in deaths


@pytest.mark.parametrize("source", [BENT.replace("SEED", "1"), ODD_ALWAYS], ids=["bent", "odd"])
def test_a_notebook_that_answers_oddly_gets_a_grade(tmp_path: Path, source: str) -> None:
    limits = Limits(call_seconds=0.5, restarts=8)
    with Grader(tiny_course(tmp_path), TOPIC, Options(limits=limits)) as grader:
        graded = grader.grade(hand_in(tmp_path, notebook(REFERENCE, source)))
    assert graded.verdict in (Verdict.PROTOCOL, Verdict.TIMEOUT, Verdict.CRASHED, Verdict.FAILED, Verdict.ERROR)
    assert GradeReport.from_json(graded.to_json()) == graded
    assert graded.cells[-1].status == "ok"
    assert for_student(graded, "full").to_json()


# --------------------------------------------------------------------------------------------- memory


def entry(value: Any) -> log.Exchange:
    return encode({"op": "call", "name": "f", "args": (), "kwargs": {}}), encode({"status": "ok", "value": value})


def test_a_log_keeps_what_fits_and_then_nothing_until_it_is_cleared() -> None:
    kept, large = log.Log(), torch.zeros(log.KEPT_BYTES // 8)
    kept.append(entry(large))
    assert (len(kept), kept.full) == (1, False)
    for _ in range(3):
        kept.append(entry(large))
    assert (len(kept), kept.full) == (0, True)
    kept.clear()
    kept.append(entry(1))
    assert (len(kept), kept.full) == (1, False)


def test_remembered_calls_are_forgotten_before_they_fill_the_memory() -> None:
    asked = []

    def f(x: torch.Tensor) -> torch.Tensor:
        asked.append(int(x[0]))
        return x

    remembering = Student(RememberingBackend({"f": f}, 10_000))
    for number in (0, 1, 0, 2, 3, 4, 4, 0):
        remembering.f(torch.full((400,), float(number)))
    assert asked == [0, 1, 2, 3, 4, 0]


MANY_CALLS = '''
@question("halve", points=1)
def test_many(student, reference):
    """Many calls"""
    for _ in range(50):
        answer = student.halve(torch.ones(2))
        if isinstance(answer, torch.Tensor):
            reference.halve(answer)
    assert_matches(answer, torch.ones(2) / 2)

@question("halve", points=1)
@given(x=ts.tensors())
@settings(max_examples=20)
def test_drawn(student, reference, x):
    """Many examples"""
    for _ in range(4):
        assert_matches(student.halve(x), reference.halve(x))

@question("Halver", points=1)
def test_halver(student):
    """A module"""
    assert student.Halver() is not None
'''
COUNTED = """
import torch
CALLS = []
def halve(x):
    CALLS.append(1)
    return torch.full((2_000_000,), float(len(CALLS)))
"""
# By name, a notebook's answer and the bytes that one of them takes.
ANSWERS = {
    "honest": ("", 0),
    "large tensors": (COUNTED, 8 << 20),
    "lists of lists": ("def halve(x): return [[i] for i in range(30_000)]", 3 << 20),
    "bytes": ("def halve(x): return [b'x' * 1_000_000] * 7", 7 << 20),
}
_WORKER = """
import json, resource, sys
from pathlib import Path
from autograder.course import Course
from autograder.model import Submission
from autograder.provenance import Options
from autograder.runner import Grader
with Grader(Course(Path(sys.argv[1])), "halving") as grader:
    graded = grader.grade(Submission(student="ada", assignment="halving", path=Path(sys.argv[2])))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
print(json.dumps([peak, str(graded.verdict), graded.questions[0].tests[0].message]))
"""


@pytest.fixture(scope="module")
def many_calls(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = tiny_course(tmp_path_factory.mktemp("many"))
    hidden_tests(course, MANY_CALLS)
    return course


@pytest.fixture(scope="module")
def honest(many_calls: Course) -> int:
    """The peak memory of a process that grades right answers."""
    return _graded(many_calls, "honest")[0]


def _graded(course: Course, name: str) -> tuple[int, str, str]:
    path = course.submitted / "ada" / TOPIC / f"{TOPIC}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(notebook(REFERENCE, ANSWERS[name][0]))
    program = [sys.executable, "-c", _WORKER, str(course.root), str(path)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    peak, verdict, message = json.loads(done.stdout)
    return peak, verdict, message


@pytest.mark.parametrize("name", sorted(set(ANSWERS) - {"honest"}))
def test_a_grading_process_stays_small_whatever_is_returned(many_calls: Course, honest: int, name: str) -> None:
    """50 answers in one test, of which memory holds less than half; all of them were kept once."""
    peak, verdict, message = _graded(many_calls, name)
    assert (verdict, bool(message)) == ("failed", True)
    assert peak < honest + 25 * ANSWERS[name][1]
