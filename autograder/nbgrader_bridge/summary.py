"""A question's result in a few lines of plain text, for places that hold text: nbgrader's cells and comments.

Both take a report that ``disclosure.for_student`` has passed.
"""

from __future__ import annotations

from collections.abc import Iterator

from autograder.model import QuestionResult, TestRecord, Verdict
from autograder.words import FOLDED, PARTLY, WORDS, plural, points


def outcome(question: QuestionResult) -> str:
    """Everything that a student may know about ``question``."""
    lines = [_heading(question)]
    lines += [f"  {question.note}"] if question.note else []
    for test in question.tests:
        lines += _test(test)
    return "\n".join(lines)


def comment(question: QuestionResult) -> str:
    """What to do about ``question``: our and the author's words only, none of the student's."""
    lines = [_heading(question)]
    lines += [f"- {WORDS[test.verdict].label}: {test.title}" for test in question.tests if test.verdict not in FOLDED]
    lines += [f"- {hint}" for hint in dict.fromkeys(test.hint for test in question.tests if test.hint)]
    return "\n".join(lines)


def _heading(question: QuestionResult) -> str:
    words = WORDS[question.verdict]
    label = PARTLY.label if words.tone == "bad" and question.score else words.label
    waiting = sum(test.max_points for test in question.tests if test.verdict is Verdict.DEFERRED)
    later = f", {points(waiting)} still open" if waiting else ""
    return f"{question.name}: {label}, {points(question.score)} of {plural(question.max_score, 'point')}{later}"


def _test(test: TestRecord) -> Iterator[str]:
    words = WORDS[test.verdict]
    if test.verdict in FOLDED:  # the heading says it
        yield f"{words.symbol} {test.title}"
        return
    yield f"{words.symbol} {test.title} ({words.label.lower()})"
    if test.message:
        yield _indented(test.message)
    if test.counterexample is not None:
        yield _indented(f"call:     {test.counterexample.call}")
        yield _indented(f"expected: {test.counterexample.expected}")
        yield _indented(f"got:      {test.counterexample.got}")
    if test.hint:
        yield _indented(f"Hint: {test.hint}")


def _indented(text: str) -> str:
    return "    " + text.replace("\n", "\n    ")
