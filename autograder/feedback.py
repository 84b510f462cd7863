"""The page a student reads: one report as one self-contained HTML file.

A page loads nothing and runs nothing: no script, no link out, one style sheet allowed by its hash.
Whatever a student wrote is shown as plain text. Pages go to ``feedback/STUDENT/TOPIC.html``, beside
nbgrader's folder ``feedback/STUDENT/TOPIC/``: a file of ours inside that folder would make nbgrader
skip the student, and ``--force`` would delete it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from jinja2 import Environment
from markupsafe import Markup
from msgspec.structs import replace

from autograder.course import Course, FrontMatter
from autograder.disclosure import Level, for_student, line
from autograder.errors import UsageError
from autograder.extras import Extras, Given
from autograder.files import write_whole
from autograder.grids import beside
from autograder.model import GradeReport, QuestionResult, TestRecord, Verdict
from autograder.nextsteps import next_step
from autograder.pages import templates
from autograder.text import clean
from autograder.typeset import code, prose, sentence
from autograder.words import (
    FOLDED,
    OVERRULED,
    PARTLY,
    REREAD,
    SCORED,
    STATUSES,
    UNANSWERED,
    WAITING,
    WORDS,
    Words,
    duration,
    moment,
    plural,
    points,
)

CELLS = 20  # cells listed at most: a notebook may hold thousands that fail
COMMENT = 10_000  # characters shown of what a person wrote
OPEN = 3  # causes of one question told in full; the tests that follow are folded
_PLACE = re.compile(r"\(cell \d+, line \d+\)$")


# ------------------------------------------------------------------------------------------- the page


@dataclass(frozen=True)
class _Section:
    """A question as the page shows it."""

    question: QuestionResult
    words: Words
    score: float | None
    open_points: float
    extra: float = 0.0
    comment: str = ""

    @property
    def won(self) -> float:
        return _percent(self.score or 0.0, self.question.max_score)

    @property
    def open(self) -> float:
        return min(_percent(self.open_points, self.question.max_score), 100.0 - self.won)

    @property
    def bonus(self) -> float:
        """Points to be had beyond the question's own."""
        return max(0.0, round(sum(test.max_points for test in self.question.tests) - self.question.max_score, 6))

    @property
    def asking(self) -> list[tuple[TestRecord, bool]]:
        """Its tests that ask the student to do something, and whether to fold them: what they tell was told."""
        told = set[tuple[Verdict, str]]()
        tests = []
        for test in (test for test in self.question.tests if test.verdict not in FOLDED):
            cause = (test.verdict, test.hint or _PLACE.sub("", test.message))
            tests.append((test, cause in told or len(told) >= OPEN))
            told.add(cause)
        return sorted(tests, key=lambda test: test[1])

    @property
    def folded(self) -> list[tuple[str, list[TestRecord]]]:
        """Its other tests by verdict, each group with the line that stands for it."""
        groups = [(text, [t for t in self.question.tests if t.verdict is v]) for v, text in FOLDED.items()]
        return [(f"{plural(len(tests), 'test')} {text}", tests) for text, tests in groups if tests]

    @property
    def advice(self) -> str:
        """What to know about the question as a whole, if anything."""
        quiet = self.words.tone == "open" or self.words in (SCORED, OVERRULED, WORDS[Verdict.GRADER_ERROR])
        return self.words.advice if quiet else ""


def render(report: GradeReport, *, title: str, level: Level = "full", extras: Extras | None = None) -> str:
    """The page for ``report``: HTML text that needs no other file. ``title`` is the assignment's."""
    extras = extras or Extras()
    report = extras.applied(report)
    stubs = sum(cell.is_stub for cell in report.cells)
    troubles = tuple(cell for cell in report.cells if cell.status != "ok" and not cell.is_stub)
    shown = for_student(replace(report, cells=troubles[:CELLS]), level)
    sections = [
        _section(question, extras.given.get(original.name, Given(waits=True)))
        for original, question in zip(report.questions, shown.questions, strict=True)
    ]
    style, style_hash = _style()
    notebooks = dict.fromkeys(question.notebook for question in report.questions)
    return _ENVIRONMENT.get_template("feedback.html").render(
        report=shown,
        torn=_torn(report),
        several=len(notebooks) > 1,
        unread=[name for name in notebooks if _unread(report, name)],
        title=line(title),
        sections=sections,
        summary=_summary(report, sections),
        step=next_step(shown),
        max_score=max(report.max_score, sum(section.question.max_score for section in sections)),
        waiting=sum(section.open_points for section in sections if section.words is WAITING),
        unsettled=any(section.words in (WAITING, REREAD) for section in sections),
        extras=extras,
        stubs=stubs,
        more_cells=len(troubles) - len(shown.cells),
        graded=moment(report.provenance.started),
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=style_hash,
    )


@functools.cache
def _style() -> tuple[str, str]:
    """The style sheet, and the hash by which a page allows it."""
    style = _ENVIRONMENT.get_template("feedback.css").render()
    return style, base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _section(question: QuestionResult, given: Given) -> _Section:
    comment = clean(given.comment, COMMENT)
    if given.score is not None or question.kind == "manual":
        open_points = question.max_score if question.score is None else 0.0
        return _Section(
            question, _words_of_a_person(question, given), question.score, open_points, given.extra, comment
        )
    open_points = sum(test.max_points for test in question.tests if test.verdict is Verdict.DEFERRED)
    score = question.score if given.extra or any(test.points is not None for test in question.tests) else None
    words = WORDS[question.verdict]
    faulty = words.tone == "bad" or question.verdict is Verdict.MISSING
    return _Section(question, PARTLY if faulty and score else words, score, open_points, given.extra, comment)


def _words_of_a_person(question: QuestionResult, given: Given) -> Words:
    if question.score is None:
        return WAITING
    if given.score is None and not given.waits:
        return UNANSWERED
    if given.score is not None and given.waits:
        return REREAD
    return SCORED if question.kind == "manual" else OVERRULED


def _torn(report: GradeReport) -> bool:
    """Whether nothing of what was handed in can be read."""
    verdicts = {question.verdict for question in report.questions if question.kind == "auto"}
    return report.verdict is Verdict.INVALID_SUBMISSION and verdicts <= {Verdict.INVALID_SUBMISSION}


def _unread(report: GradeReport, notebook: str) -> bool:
    """Whether one of several notebooks could not be read."""
    return any(q.verdict is Verdict.INVALID_SUBMISSION for q in report.questions if q.notebook == notebook)


def _summary(report: GradeReport, sections: list[_Section]) -> str:
    """One sentence on the whole, for a notebook that could be graded."""
    verdicts = [section.question.verdict for section in sections if section.question.kind == "auto"]
    right = verdicts.count(Verdict.PASSED)
    if not verdicts or report.verdict is Verdict.GRADER_ERROR or _torn(report):
        return ""
    if right == len(verdicts):
        return "Everything that is tested is right. Well done!"
    if set(verdicts) == {Verdict.MISSING}:
        return "No function is written yet. Each one that works earns its points, so start with any of them."
    if right == 0:
        return ""
    return f"{right} of {plural(len(verdicts), 'tested question')} fully right."


def _percent(part: float, whole: float) -> float:
    return round(100 * min(max(part / whole, 0.0), 1.0), 1) if whole > 0 else 0.0


def _environment() -> Environment:
    filters = {"points": points, "plural": plural, "duration": duration}
    environment = templates(filters | {"prose": prose, "sentence": sentence, "python": code, "beside": beside})
    environment.globals |= {"WORDS": WORDS, "STATUSES": STATUSES, "Verdict": Verdict, "percent": _percent}
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
    folder = course.results / topic
    results = sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
    if not results:
        raise UsageError(f"no results in {folder}; grade first: autograder grade {topic}")
    reports = [_read(path) for path in results]
    front = course.assignment(topic).front
    return [write_page(course, front, r, level=level, extras=(extras or {}).get(r.student)) for r in reports]


def write_page(
    course: Course, front: FrontMatter, report: GradeReport, *, level: Level | None = None, extras: Extras | None = None
) -> Path:
    """Write the page of one report; returns its path, ``feedback/STUDENT/TOPIC.html``. ``front`` is its handout's."""
    page = course.root / "feedback" / report.student / f"{report.assignment}.html"
    html = render(report, title=front.title, level=level or front.feedback, extras=extras)
    write_whole(page, html.encode())
    return page


def _read(path: Path) -> GradeReport:
    """The report at ``path``, which must be of the student and assignment that the path names."""
    try:
        report = GradeReport.from_json(path.read_bytes())
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is not a result file: {error}; delete it and grade again") from error
    if (report.assignment, report.student) != (path.parent.name, path.stem):
        named = f"{report.student!r} in {report.assignment!r}"
        raise UsageError(f"{path} holds the result of {named}: its name does not fit; delete it and grade again")
    return report
