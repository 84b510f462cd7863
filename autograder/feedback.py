"""The page a student reads: one report as one self-contained HTML file.

A page loads nothing and runs nothing: no script, no link out, one style sheet allowed by its hash.
Whatever a student wrote is shown as plain text. Pages go to ``feedback/STUDENT/TOPIC.html``, beside
nbgrader's folder ``feedback/STUDENT/TOPIC/``: a file of ours inside that folder would make nbgrader
skip the student, and ``--force`` would delete it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from msgspec.structs import replace

from autograder.course import Course
from autograder.errors import UsageError
from autograder.model import CellRecord, Counterexample, GradeReport, QuestionResult, TestRecord, Verdict
from autograder.text import clean

Level = Literal["full", "category"]
LINE, PARAGRAPH, BLOCK = 200, 1500, 3000  # characters shown of a title, a message, a value


@dataclass(frozen=True)
class Words:
    """A verdict as people say it. ``tone`` picks the colour, which never stands alone."""

    symbol: str
    label: str
    tone: Literal["good", "bad", "open", "ours"]
    advice: str


WORDS: Mapping[Verdict, Words] = {
    Verdict.PASSED: Words("✓", "Right", "good", "Everything tested here is right."),
    Verdict.DEFERRED: Words("…", "Still open", "open", "This needs a machine with a GPU and will be tested later."),
    Verdict.MISSING: Words(
        "○",
        "Not written yet",
        "open",
        "The function is still the empty one from the handout, or its name has changed. "
        "Write it in its cell, under its original name, and these tests can look at it.",
    ),
    Verdict.FAILED: Words(
        "✗", "Not right yet", "bad", "On at least one input the answer differs from what the task asks for."
    ),
    Verdict.FORBIDDEN: Words(
        "✗",
        "Uses a ruled-out function",
        "bad",
        "The handout asks you to write this part yourself. The answer may well be right: "
        "replace the ruled-out call by your own code.",
    ),
    Verdict.ERROR: Words(
        "!",
        "Stopped with an error",
        "bad",
        "Your function raised an exception. Calling it in a new cell with the same input shows where.",
    ),
    Verdict.TIMEOUT: Words(
        "!", "Took too long", "bad", "A loop that never ends, or one over every entry of a tensor, is the usual cause."
    ),
    Verdict.MEMORY: Words(
        "!", "Used too much memory", "bad", "Look for a list that keeps growing or a tensor that is expanded too far."
    ),
    Verdict.CRASHED: Words(
        "!",
        "Python stopped",
        "bad",
        "Python itself ended during this test. Endless recursion and calls such as os._exit do that.",
    ),
    Verdict.PROTOCOL: Words(
        "!",
        "The answer could not be read",
        "bad",
        "Return plain values such as tensors, numbers, lists or modules, of a moderate size.",
    ),
    Verdict.INVALID_SUBMISSION: Words(
        "!", "The notebook could not be opened", "bad", "What to do about it stands at the top of this page."
    ),
    Verdict.GRADER_ERROR: Words(
        "?", "Not graded yet: our fault", "ours", "The grading program failed here, not your code. Nothing is lost."
    ),
}
PARTLY = Words("◐", "Partly right", "bad", "")
WAITING = Words("…", "Waiting for a person", "open", "A person reads and scores this answer.")
SCORED = Words("✓", "Scored by a person", "good", "A person has read and scored this answer.")


@dataclass(frozen=True)
class ManualScore:
    """Points a person gave to a question, and what they wrote about it."""

    score: float
    comment: str = ""


@dataclass(frozen=True)
class Extras:
    """What the gradebook knows and a report does not: a person's scores, lateness in seconds, points taken off."""

    manual: Mapping[str, ManualScore] = field(default_factory=dict)
    seconds_late: float = 0.0
    penalty: float = 0.0


# ------------------------------------------------------------------------------ what a student may see


def for_student(report: GradeReport, level: Level) -> GradeReport:
    """``report`` without what is for instructors only, and with every text made safe to look at.

    Flags, names of misconceptions and the grader's own errors never stay. At level ``category``
    titles and verdicts stay, and no message, hint, counterexample, note or text of a cell.
    """
    return replace(
        report,
        student=_line(report.student),
        questions=tuple(_question_for_student(question, level) for question in report.questions),
        cells=tuple(_cell_for_student(cell, level) for cell in report.cells),
        flags=(),
        message="" if level == "category" or report.verdict is Verdict.GRADER_ERROR else clean(report.message, PARAGRAPH),
    )


def _question_for_student(question: QuestionResult, level: Level) -> QuestionResult:
    return replace(
        question,
        name=_line(question.name),
        tests=tuple(_test_for_student(test, level) for test in question.tests),
        note="" if level == "category" else clean(question.note, PARAGRAPH),
    )


def _test_for_student(test: TestRecord, level: Level) -> TestRecord:
    told = level == "full" and test.verdict is not Verdict.GRADER_ERROR
    example = test.counterexample
    return replace(
        test,
        title=_line(test.title),
        message=clean(test.message, PARAGRAPH) if told else "",
        hint=clean(test.hint, PARAGRAPH) if told and test.hint else None,
        counterexample=_example_for_student(example) if told and example else None,
        misconception=None,
    )


def _example_for_student(example: Counterexample) -> Counterexample:
    call, expected, got = (clean(text, BLOCK) for text in (example.call, example.expected, example.got))
    return Counterexample(call=call, expected=expected, got=got)


def _cell_for_student(cell: CellRecord, level: Level) -> CellRecord:
    return replace(cell, message="" if level == "category" else clean(cell.message, PARAGRAPH))


def _line(text: str) -> str:
    return clean(" ".join(text.split()), LINE)


# ------------------------------------------------------------------------------------------- the page


@dataclass(frozen=True)
class _Section:
    """A question as the page shows it."""

    question: QuestionResult
    words: Words
    score: float | None
    open_points: float
    comment: str = ""

    @property
    def won(self) -> float:
        return _percent(self.score or 0.0, self.question.max_score)

    @property
    def open(self) -> float:
        return min(_percent(self.open_points, self.question.max_score), 100.0 - self.won)

    def tests(self, *verdicts: Verdict) -> list[TestRecord]:
        """Its tests with one of ``verdicts``; with none given, those that ask the student to do something."""
        quiet = (Verdict.PASSED, Verdict.DEFERRED, Verdict.MISSING)
        return [t for t in self.question.tests if (t.verdict in verdicts if verdicts else t.verdict not in quiet)]


def render(report: GradeReport, *, title: str, level: Level = "full", extras: Extras | None = None) -> str:
    """The page for ``report``: HTML text that needs no other file. ``title`` is the assignment's."""
    extras = extras or Extras()
    shown = for_student(report, level)
    sections = [
        _section(question, extras.manual.get(original.name))
        for original, question in zip(report.questions, shown.questions, strict=True)
    ]
    style = _ENVIRONMENT.get_template("feedback.css").render()
    return _ENVIRONMENT.get_template("feedback.html").render(
        report=shown,
        title=_line(title),
        sections=sections,
        score=_total(report, extras),
        max_score=max(report.max_score, sum(section.question.max_score for section in sections)),
        waiting=sum(section.open_points for section in sections if section.words is WAITING),
        extras=extras,
        cells=[cell for cell in shown.cells if cell.status in ("error", "timeout") and not _is_stub(cell)],
        stubs=sum(map(_is_stub, shown.cells)),
        graded=_moment(report.provenance.started),
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


def _section(question: QuestionResult, manual: ManualScore | None) -> _Section:
    if manual is not None:
        return _Section(question, SCORED, manual.score, 0.0, clean(manual.comment, PARAGRAPH))
    if question.kind == "manual" and question.score is None:
        return _Section(question, WAITING, None, question.max_score)
    if question.kind == "manual":
        return _Section(question, SCORED, question.score, 0.0)
    open_points = sum(test.max_points for test in question.tests if test.points is None)
    words = WORDS[question.verdict]
    if words.tone == "bad" and question.score:
        words = PARTLY
    return _Section(question, words, question.score, open_points)


def _total(report: GradeReport, extras: Extras) -> float:
    """The report's score with a person's scores in place of its own, less what lateness costs."""
    changes = sum(
        extras.manual[question.name].score - (question.score or 0.0)
        for question in report.questions
        if question.name in extras.manual
    )
    return max(0.0, report.score + changes - extras.penalty)


def _is_stub(cell: CellRecord) -> bool:
    """A check cell that met a function which is not written yet: expected, and said once."""
    return cell.status == "error" and cell.message.startswith("NotImplementedError")


def _percent(part: float, whole: float) -> float:
    return round(100 * min(max(part / whole, 0.0), 1.0), 1) if whole > 0 else 0.0


# ---------------------------------------------------------------------------------- filters of the page


def _points(value: float | None) -> str:
    """``2``, ``2.5``, ``0.33``; a dash where there is no score yet."""
    return "–" if value is None else f"{round(value, 2) + 0.0:.10g}"


def _plural(count: float, noun: str) -> str:
    return f"{_points(count)} {noun}" if count == 1 else f"{_points(count)} {noun}s"


def _duration(seconds: float) -> str:
    """``2 hours 5 minutes``: the two largest units that say something."""
    minutes = max(1, round(seconds / 60))
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    return " ".join([_plural(count, unit) for count, unit in parts if count][:2])


def _moment(text: str) -> str:
    """An RFC 3339 time for people, in UTC."""
    when = datetime.fromisoformat(text).astimezone(UTC)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def _prose(text: str) -> Markup:
    """Author's text, with names between backticks set as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("autograder"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"points": _points, "plural": _plural, "duration": _duration, "prose": _prose}
    environment.globals |= {"WORDS": WORDS, "Verdict": Verdict, "percent": _percent}
    return environment


_ENVIRONMENT = _environment()


# ------------------------------------------------------------------------------------------------ files


def write_pages(
    course: Course, topic: str, *, level: Level | None = None, extras: Mapping[str, Extras] | None = None
) -> list[Path]:
    """Write a page for every result of ``topic``; returns their paths.

    ``level`` is by default the assignment's own. ``extras`` maps students to what the gradebook
    knows of them. Raises ``UsageError`` where there are no results or one cannot be read.
    """
    front = course.assignment(topic).front
    folder = course.results / topic
    results = sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
    if not results:
        raise UsageError(f"no results in {folder}; grade first: autograder grade {topic}")
    pages = []
    for path in results:
        report = _read(path)
        student = (extras or {}).get(report.student)
        page = course.root / "feedback" / report.student / f"{topic}.html"
        _write(page, render(report, title=front.title, level=level or front.feedback, extras=student))
        pages.append(page)
    return pages


def _read(path: Path) -> GradeReport:
    """The report at ``path``, which must be of the student and assignment that the path names."""
    try:
        report = GradeReport.from_json(path.read_bytes())
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is not a result file: {error}; delete it and grade again") from error
    if (report.assignment, report.student) != (path.parent.name, path.stem):
        named = f"student {report.student!r} and assignment {report.assignment!r}"
        raise UsageError(f"{path} holds the result of {named}; give it the name that fits, or delete it and grade again")
    return report


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a reader never meets half a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
