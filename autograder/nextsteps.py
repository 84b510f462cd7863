"""What a student does best first: one question, and why that one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.model import CellRecord, GradeReport, QuestionResult, Verdict
from autograder.words import some

_UNREADABLE = re.compile(r"(SyntaxError|IndentationError|TabError)\b")

# Said after the question's name.
_FIRST: dict[Verdict, str] = {
    Verdict.FAILED: "the first test below shows an input on which its answer differs from what is asked.",
    Verdict.ERROR: "it stopped with an error, and the message below says where.",
    Verdict.TIMEOUT: "it took too long. Look for a loop that does not end, or one over every entry.",
    Verdict.MEMORY: "it used too much memory. Look for a list or tensor that grows too large.",
    Verdict.CRASHED: "it ended Python itself. Endless recursion and calls such as os._exit do that.",
    Verdict.FORBIDDEN: "it calls a function that the handout rules out. Your own code in its place earns the points.",
    Verdict.PROTOCOL: "it gives back something that could not be read. A plain tensor or number is enough.",
    Verdict.MISSING: "it is not written yet, or has another name than in the handout.",
}


@dataclass(frozen=True)
class NextStep:
    """A question to begin with: its place on the page from 1, its name, and why or what about it.

    ``others``: questions that wait for it, ``one`` where it is a single one. ``cell``: what to repair before it.
    """

    number: int
    name: str
    why: str
    others: str = ""
    one: bool = False
    cell: CellRecord | None = None


def next_step(report: GradeReport) -> NextStep | None:
    """Where to begin, of a report that a student may see; ``None`` where nothing is left to do or can be said.

    Work that was begun comes before what is not written, and a cause before what depends on it.
    """
    if report.verdict is Verdict.GRADER_ERROR:
        return None
    losing = [(number, question) for number, question in enumerate(report.questions, 1) if question.verdict in _FIRST]
    losing = [(number, question) for number, question in losing if question.kind == "auto"]
    if not losing:
        return None
    number, question = min(losing, key=lambda item: (bool(item[1].note), _unwritten(item[1], report.questions)))
    depending = [q.name for _, q in losing if q.note and question.name in re.findall(r"\w+", q.note)]
    missing = {name for _, q in losing if q.verdict is Verdict.MISSING for name in ("", q.notebook)}
    broken = next((cell for cell in report.cells if cell.notebook in missing and _UNREADABLE.match(cell.message)), None)
    others = " and ".join(some([f"`{name}`" for name in depending]).rsplit(", ", 1))
    return NextStep(number, question.name, _why(question), others, len(depending) == 1, broken)


def _unwritten(question: QuestionResult, questions: Sequence[QuestionResult]) -> bool:
    """Whether it is not written and nothing that is written waits for it."""
    waited_for = any(question.name in re.findall(r"\w+", other.note) for other in questions)
    return question.verdict is Verdict.MISSING and not waited_for


def _why(question: QuestionResult) -> str:
    first = next((test for test in question.tests if test.verdict not in (Verdict.PASSED, Verdict.DEFERRED)), None)
    if first is not None and first.hint:
        return f"a likely cause is this. {first.hint}"
    if question.verdict is Verdict.FAILED and not any(test.counterexample for test in question.tests):
        return "the tests below say what it should do."
    return _FIRST[question.verdict]
