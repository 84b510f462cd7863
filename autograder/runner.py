"""Grades one submission: notebook in, ``GradeReport`` out, always."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self, TypeVar

import msgspec
import torch

from autograder.counterexample import message_of, verdict_of
from autograder.course import Assignment, Course
from autograder.errors import GraderError, InvalidSubmission, StudentFault, UsageError
from autograder.examples import examples_digest, load_examples
from autograder.gpu import Gpu, find
from autograder.health import require_working_gpu
from autograder.hints import known_misconceptions
from autograder.judge import Bench, Explainer, judge
from autograder.kept import DEADLY, kept_records, marks_of
from autograder.model import CellRecord, Flag, GradeReport, Limits, Provenance, Submission, TestRecord, Verdict, worst
from autograder.precedents import Precedents
from autograder.provenance import Options, basis_of
from autograder.release.asked import asked, require_manifest
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.scoring import overall_verdict, score_questions, totals
from autograder.seed import Seed
from autograder.submissions import Part, parted, read_submission
from autograder.suite import HiddenTest, collect
from autograder.testing.student import RememberingBackend, Student

T = TypeVar("T")


class Grader:
    """Everything that is paid for once per worker: suite, examples, reference, misconceptions, zygote."""

    def __init__(self, course: Course, topic: str, options: Options | None = None, seed: Seed | None = None) -> None:
        self.course = course
        self.options = options or Options()
        self.assignment: Assignment = course.assignment(topic)
        self.suite = collect(course, self.assignment)
        self.seed = seed or Seed.of_course(course.state)
        torch.set_num_threads(1)
        self.gpu = self._card() if self.options.device == "cuda" else None
        self._in_doubt = True
        self.devices: dict[str, str] = {}  # where single tests run, if not as the options say
        self._sandbox = self._new_sandbox()
        try:
            self._load()
        except BaseException:
            self._sandbox.close()
            raise

    def _new_sandbox(self) -> Sandbox:
        data = self.assignment.files if self.assignment.files.is_dir() else None
        return Sandbox(self.options.isolation, hidden=(self.course.root,), data=data, gpu=self.gpu)

    def _card(self) -> Gpu:
        card = self.options.gpu or find()
        if card is None:
            raise UsageError("there is no GPU that torch can use on this machine; grade on the CPU: --device cpu")
        return card

    def _load(self) -> None:
        course, assignment = self.course, self.assignment
        namespace = vars(course.load(assignment.reference))
        self.reference = Student(RememberingBackend(namespace), self.suite.forbidden)
        self.examples = load_examples(course, self.suite, self.seed, "graded", self.reference)
        self.examples_sha256 = examples_digest(self.examples)
        self.marks = marks_of(self.suite, self.examples)
        self.precedents = Precedents()
        module = course.load(assignment.misconceptions) if assignment.misconceptions.is_file() else None
        self.known = known_misconceptions(module, namespace)
        self.manual = {name: question.points for name, question in assignment.front.manual.items()}
        require_manifest(assignment, self.suite)
        self.notebooks = asked(assignment, [*self.suite.questions(), *self.manual])  # by question
        self.basis = basis_of(assignment, self.seed, self.options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote; idempotent."""
        self._sandbox.close()

    def wait_ready(self) -> None:
        """Wait for the zygote; raises ``IsolationError`` where the sandbox cannot keep its promises."""
        self._with_a_living_zygote(self._require_sandbox)

    def _require_sandbox(self) -> None:
        """Before each submission: the zygote, and a GPU that answers, asked again after one that may have broken it."""
        self._sandbox.wait_ready()
        if self.gpu is not None and self._in_doubt:
            require_working_gpu(self._sandbox)
            self._in_doubt = False

    def grade(self, submission: Submission, read: Callable[[], bytes] | None = None) -> GradeReport:
        """The grade of ``submission``. Our own failure becomes a ``grader_error`` report, never a zero in silence.

        ``read`` gives what was handed in where its files lie on another machine.
        """
        started, clock = datetime.now(UTC), time.monotonic()
        data = b""
        try:
            data = read() if read else read_submission(submission, self._limits)
            outcome = self._with_a_living_zygote(lambda: self._judge_all(data, submission))
            self._in_doubt = any(record.verdict in DEADLY for record in outcome.records)
        except StudentFault as fault:
            outcome = self._nothing_graded(verdict_of(fault), message_of(fault))
        except Exception as error:  # noqa: BLE001 - one bad submission never stops a class
            self._in_doubt = True
            outcome = self._nothing_graded(Verdict.GRADER_ERROR, _our_fault(error))
        questions = score_questions(self.suite, outcome.records, self.manual, self.notebooks)
        score, maximum, pending = totals(questions)
        return GradeReport(
            student=submission.student,
            assignment=submission.assignment,
            score=score,
            max_score=maximum,
            pending_points=pending,
            verdict=worst([overall_verdict(questions), outcome.verdict]),
            questions=questions,
            flags=outcome.flags,
            cells=outcome.cells,
            message=outcome.message,
            provenance=self._provenance(data, started, time.monotonic() - clock, outcome, submission.earlier),
        )

    @property
    def _limits(self) -> Limits:
        return self.options.limits or self.assignment.front.limits

    def _with_a_living_zygote(self, work: Callable[[], T]) -> T:
        """Do ``work`` once more where the zygote was killed from outside: that is no doing of the submission."""
        try:
            return work()
        except GraderError:
            if self._sandbox.alive:
                raise
        self._sandbox.close()
        self._sandbox = self._new_sandbox()
        return work()

    def _judge_all(self, data: bytes, submission: Submission) -> Outcome:
        earlier = submission.earlier if _is_of(submission.earlier, data) else None
        kept = kept_records(earlier, self.suite, self.marks, self.options.device)
        if earlier is not None and kept.keys() == self.marks.keys():
            records = tuple(kept[test.name] for test in self.suite.tests)
            return Outcome(records, earlier.flags, earlier.cells, earlier.message, earlier.verdict)
        self._require_sandbox()
        parts = parted(self.assignment.notebooks, data)
        judged = [self._judge_part(part, submission.questions, kept) for part in parts]
        outcome = judged[0] if len(judged) == 1 else self._together(judged)
        flags = dict.fromkeys((*outcome.flags, *_trace_flags_of(earlier, kept)))
        return replace(outcome, flags=tuple(flags))

    def _together(self, judged: Sequence[Outcome]) -> Outcome:
        """The outcome of a submission of several notebooks: one that cannot be graded costs its own questions."""
        records = {record.name: record for outcome in judged for record in outcome.records}
        return Outcome(
            tuple(records[test.name] for test in self.suite.tests),
            tuple(flag for outcome in judged for flag in outcome.flags),
            tuple(cell for outcome in judged for cell in outcome.cells),
            "; ".join(outcome.message for outcome in judged if outcome.message),
            worst([outcome.verdict for outcome in judged]),
        )

    def _judge_part(self, part: Part, questions: tuple[str, ...], kept: Mapping[str, TestRecord]) -> Outcome:
        """The outcome of the tests of one notebook, in a session of its own."""
        tests = [test for test in self.suite.tests if self.notebooks[test.question.name] == part.name]
        names = tuple(sorted({name for rule in self.suite.forbidden.values() for name in rule.names}))
        session = Session(self._sandbox, part.data, self._limits, names)
        several = self.assignment.several
        try:
            if part.problem:
                raise InvalidSubmission(part.problem)
            if not questions or any(test.question.name in questions for test in tests):
                session.open()
            student = Student(session, self.suite.forbidden)
            records = self._records(tests, session, student, questions, kept)
        except StudentFault as fault:
            said, file = message_of(fault), f"{part.name}.ipynb"
            named = said if not several or file in said else f"{file}: {said}"
            return self._nothing_graded(verdict_of(fault), named, tests)
        finally:
            session.close()
        cells = session.cells
        if several:
            cells = tuple(msgspec.structs.replace(cell, notebook=part.name) for cell in cells)
        return Outcome(
            tuple(records), (*source_flags(session, part.name if several else ""), *trace_flags(student)), cells
        )

    def _records(
        self,
        tests: Sequence[HiddenTest],
        session: Session,
        student: Student,
        questions: tuple[str, ...],
        kept: Mapping[str, TestRecord],
    ) -> list[TestRecord]:
        explainer = Explainer(self.known, self.seed.derive("feedback", self.suite.topic))
        explainer.silent = not self.options.diagnose
        if not self.options.explain:
            explainer.seconds_left = 0.0
        bench = Bench(session, student, self.reference, explainer, self.precedents)
        fallen: dict[str, TestRecord] = {}
        deaths: Counter[str] = Counter()
        records = []
        for test in tests:
            name = test.question.name
            if test.name in kept:
                records.append(kept[test.name])
                continue
            if questions and name not in questions:
                record = _left_out(test)
            elif name in fallen:
                record = _blank(test, fallen[name].verdict, f"{_why_not_run(fallen[name])}: {fallen[name].message}")
            else:
                record = judge(test, self.examples[test.name], replace(bench, device=self._device(test)))
                record = _with_line(record, session)
                deaths[name] += record.verdict in DEADLY
                deadly = record.verdict in DEADLY and (test.question.gate or deaths[name] >= DEATHS_PER_QUESTION)
                if deadly or (self.options.first_loss_only and record.verdict in LOST):
                    fallen[name] = record
            device = test.question.runs_on(self._device(test)) or ""
            records.append(msgspec.structs.replace(record, sha256=self.marks[test.name], device=device))
        return records

    def _device(self, test: HiddenTest) -> str:
        return self.devices.get(test.name) or self.options.device

    def _nothing_graded(self, verdict: Verdict, message: str, tests: Sequence[HiddenTest] | None = None) -> Outcome:
        records = tuple(_blank(test, verdict, message) for test in (self.suite.tests if tests is None else tests))
        return Outcome(records, message=message, verdict=verdict)

    def _provenance(
        self, data: bytes, started: datetime, seconds: float, outcome: Outcome, earlier: GradeReport | None
    ) -> Provenance:
        card = f"{self.gpu.name}, CUDA {self.gpu.cuda}, no TF32" if self.gpu else ""
        if earlier is not None and any(record.device == "cuda" for record in outcome.records):
            card = card or earlier.provenance.gpu  # what is kept was computed there
        return Provenance(
            submission_sha256=hashlib.sha256(data).hexdigest(),
            started=started.isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            limits=self._limits,
            examples_sha256=self.examples_sha256,
            gpu=card,
            **vars(self.basis),
        )


# A function that hangs or dies takes few of the fresh processes, so that the other questions get theirs.
DEATHS_PER_QUESTION = 2
NOT_RUN = "not run, an earlier test of this question ended the process"
LOST = frozenset(Verdict) - {Verdict.PASSED, Verdict.DEFERRED}


def _why_not_run(earlier: TestRecord) -> str:
    return NOT_RUN if earlier.verdict in DEADLY else f"not run, the question lost {earlier.name}"


@dataclass(frozen=True)
class Outcome:
    """What judging a submission found, before scoring."""

    records: tuple[TestRecord, ...]
    flags: tuple[Flag, ...] = ()
    cells: tuple[CellRecord, ...] = ()
    message: str = ""
    verdict: Verdict = Verdict.PASSED


def _blank(test: HiddenTest, verdict: Verdict, message: str) -> TestRecord:
    points = test.question.points
    return TestRecord(name=test.name, title=test.title, verdict=verdict, points=0.0, max_points=points, message=message)


def _with_line(record: TestRecord, session: Session) -> TestRecord:
    """``record``, of an error that is shown, with the notebook's line that raised it."""
    example = record.counterexample
    if example is None or record.verdict not in (Verdict.ERROR, Verdict.MEMORY):
        return record
    named = msgspec.structs.replace(example, line=session.line_at(example.got))
    return msgspec.structs.replace(record, counterexample=named)


def _left_out(test: HiddenTest) -> TestRecord:
    return msgspec.structs.replace(_blank(test, Verdict.DEFERRED, "not asked for this time"), points=None)


def _our_fault(error: Exception) -> str:
    if isinstance(error, GraderError):
        return str(error)
    return "".join(traceback.format_exception(error))[-4000:]


def source_flags(session: Session, notebook: str = "") -> tuple[Flag, ...]:
    """Forbidden names that stand in the notebook's source: for a person to look at, no proof."""
    where = f"{notebook}.ipynb" if notebook else "the notebook"
    return tuple(
        Flag(kind="source", detail=f"the name {name} stands in {where}; no graded call was seen to use it")
        for name in session.names_found
    )


def trace_flags(student: Student) -> tuple[Flag, ...]:
    """Functions that worked where forbidden operations are not seen, or on the CPU instead of the GPU."""
    said = "started a thread or process in a graded call; what ran there was not traced"
    there_and_back = "moved entries to the CPU and back in a graded call: is the result computed there?"
    return (
        *(Flag(kind="trace", detail=f"{name} {said}") for name in sorted(student.unseen)),
        *(Flag(kind="device", detail=f"{name} {there_and_back}") for name in sorted(+student.detours)),
    )


def _is_of(earlier: GradeReport | None, data: bytes) -> bool:
    """Whether ``earlier`` is a report of the same notebook."""
    return earlier is not None and earlier.provenance.submission_sha256 == hashlib.sha256(data).hexdigest()


def _trace_flags_of(earlier: GradeReport | None, kept: Mapping[str, TestRecord]) -> tuple[Flag, ...]:
    """What tests that are kept had to note."""
    noted = earlier.flags if earlier is not None and kept else ()
    return tuple(flag for flag in noted if flag.kind in ("trace", "device"))
