"""The class report: the reports of an assignment as one HTML file that loads nothing.

Its two scripts (Chart.js, and ``report.js`` that draws and sorts) and its style sheet are allowed by their hashes;
everything else is inert, and whatever a student wrote is shown as plain text. Without scripts all of it can be read.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec
from jinja2 import Environment
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup, escape

from autograder.course import Course
from autograder.disclosure import line
from autograder.exports.grades import read_grades
from autograder.extras import Extras
from autograder.files import write_whole
from autograder.model import GradeReport, Verdict
from autograder.pages import templates
from autograder.pseudonyms import under_pseudonyms
from autograder.report import charts, statistics
from autograder.report.charts import Chart
from autograder.text import clean
from autograder.words import WORDS, Words, moment, plural, points

_MESSAGE = 300  # characters shown of a message or a flag


@dataclass(frozen=True)
class Written:
    """A report on disk."""

    path: Path
    students: int


def write_report(
    course: Course,
    topic: str,
    output: Path | None = None,
    *,
    pseudonyms: bool = False,
    extras: Mapping[str, Extras] | None = None,
) -> Written:
    """Write the report on ``topic``, by default to ``reports/`` in the course.

    ``extras`` maps students to what the gradebook knows of them, where it was read.
    Raises ``UsageError`` where there are no results, one cannot be read, or the file cannot be written.
    """
    known = extras or {}
    reports = [known.get(report.student, Extras()).applied(report) for report in read_grades(course, topic)]
    path = output or course.root / "reports" / f"{topic}{'-pseudonyms' if pseudonyms else ''}.html"
    links = {} if pseudonyms else _links(course, topic, reports, path.parent)
    shown = under_pseudonyms(reports, course.state) if pseudonyms else reports
    html = render(
        shown, title=course.assignment(topic).front.title, links=links, pseudonyms=pseudonyms, late=Late.of(known)
    )
    write_whole(path, html.encode())
    return Written(path, len(reports))


@dataclass(frozen=True)
class Late:
    """Students who handed in late, and the points that this took off."""

    students: int
    points: float

    @classmethod
    def of(cls, known: Mapping[str, Extras]) -> Late | None:
        """From what the gradebook knows; ``None`` where it knows nobody."""
        late = [extras for extras in known.values() if extras.seconds_late > 0]
        return cls(len(late), sum(extras.penalty for extras in late)) if known else None


def _links(course: Course, topic: str, reports: Sequence[GradeReport], start: Path) -> dict[str, str]:
    """Addresses of the students' pages that are there, as seen from the folder ``start``."""
    pages = {report.student: course.root / "feedback" / report.student / f"{topic}.html" for report in reports}
    return {name: quote(os.path.relpath(page, start)) for name, page in pages.items() if page.is_file()}


# ------------------------------------------------------------------------------------------- the page


@dataclass(frozen=True)
class _Row:
    """A student as the table shows them."""

    report: GradeReport
    page: str
    scores: Mapping[str, float | None]

    @property
    def graded(self) -> bool:
        return self.report.verdict is not Verdict.GRADER_ERROR

    @property
    def words(self) -> Words:
        return WORDS[self.report.verdict]

    @property
    def share(self) -> float | None:
        return self.report.score / self.report.max_score if self.graded and self.report.max_score else None

    @property
    def message(self) -> str:
        lines = self.report.message.strip().splitlines()
        return clean(lines[-1], _MESSAGE) if lines else ""


def render(
    reports: Sequence[GradeReport],
    *,
    title: str,
    links: Mapping[str, str] | None = None,
    pseudonyms: bool = False,
    late: Late | None = None,
) -> str:
    """The page: HTML text that needs no other file. ``links`` maps students to the addresses of their pages.

    ``late`` is ``None`` where the scores are the tests' alone.
    """
    graded = [report for report in reports if report.verdict is not Verdict.GRADER_ERROR]
    questions = statistics.items(map(statistics.by_question, graded))
    tests = statistics.items(map(statistics.by_test, graded))
    mistakes = statistics.misconceptions(graded)
    maximum = max((report.max_score for report in graded), default=0.0)
    scores = statistics.Spread.of([report.score for report in graded])
    times = statistics.Spread.of([report.provenance.seconds for report in graded])
    score_bins = statistics.score_bins([report.score for report in graded], maximum) if maximum else []
    time_bins = statistics.time_bins([report.provenance.seconds for report in graded])
    plots = {
        "scores": charts.scores_chart(score_bins, scores, maximum) if scores and score_bins else None,
        "questions": charts.questions_chart(questions) if questions else None,
        "tests": charts.tests_chart(tests) if tests else None,
        "mistakes": charts.misconceptions_chart(mistakes) if mistakes else None,
        "time": charts.time_chart(time_bins, times) if times else None,
    }
    kinds = dict.fromkeys(flag.kind for report in reports for flag in report.flags)
    style, chart_library, script = _asset("report.css"), _asset("vendor/chart.umd.min.js"), _asset("report.js")
    return _ENVIRONMENT.get_template("report.html").render(
        title=line(title),
        pseudonyms=pseudonyms,
        late=late,
        reports=reports,
        graded=graded,
        maximum=maximum,
        scores=scores,
        times=times,
        slowest=sorted(graded, key=lambda report: -report.provenance.seconds)[:5],
        waiting=sum(report.pending_points for report in graded),
        unread=sum(_unread_points(report) for report in graded),
        plots=plots,
        plot_data=_json([plot for plot in plots.values() if plot is not None]),
        score_bins=score_bins,
        time_bins=time_bins,
        questions=questions,
        tests=tests,
        mistakes=mistakes,
        error=statistics.standard_error(len(graded)),
        verdicts=Counter(report.verdict for report in reports),
        test_verdicts=Counter(test.verdict for report in graded for q in report.questions for test in q.tests),
        flags={kind: [(r.student, f) for r in reports for f in r.flags if f.kind == kind] for kind in kinds},
        conditions=statistics.conditions(graded),
        started=sorted(report.provenance.started for report in graded),
        rows=[_row(report, (links or {}).get(report.student, "")) for report in reports],
        style=style,
        scripts=(chart_library, script),
    )


def _row(report: GradeReport, page: str) -> _Row:
    return _Row(report, page, {question.name: question.score for question in report.questions})


def _unread_points(report: GradeReport) -> float:
    """Points that wait for a person."""
    return sum(
        question.max_score for question in report.questions if question.kind == "manual" and question.score is None
    )


def _json(plots: Sequence[Chart]) -> Markup:
    """``plots`` as JSON that ends no script element, whatever stands in it."""
    return htmlsafe_json_dumps(msgspec.to_builtins(plots))


# ------------------------------------------------------------------------------------------ our own files


@dataclass(frozen=True)
class _Asset:
    """A style sheet or script, and the hash by which the page allows it."""

    text: Markup
    hash: str


@functools.cache
def _asset(name: str) -> _Asset:
    source, _, _ = _ENVIRONMENT.loader.get_source(_ENVIRONMENT, name) if _ENVIRONMENT.loader else ("", None, None)
    kept = "\n".join(text for text in source.split("\n") if not text.startswith("//# sourceMappingURL="))
    digest = base64.b64encode(hashlib.sha256(kept.encode()).digest()).decode()
    return _Asset(Markup(kept), f"sha256-{digest}")  # noqa: S704 - our own file


def _breakable(text: str) -> Markup:
    """A name that may be cut after its underscores."""
    return Markup("_<wbr>").join(map(escape, line(text).split("_")))


def _prose(text: str) -> Markup:
    """Author's text on one line, with names between backticks set as code."""
    parts = line(text).split("`")
    if len(parts) % 2 == 0:
        return escape(line(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def _number(value: float | None) -> str:
    """A coefficient with its sign; a dash where there is none."""
    return "–" if value is None else f"{value + 0.0:.2f}".replace("-", "−")


def _environment() -> Environment:
    filters = {
        "bin_name": charts.bin_name,
        "breakable": _breakable,
        "line": line,
        "message": lambda text: clean(text, _MESSAGE),
        "moment": moment,
        "number": _number,
        "percent": charts.percent,
        "plural": plural,
        "points": points,
        "prose": _prose,
        "seconds": charts.seconds,
    }
    environment = templates(filters)
    environment.globals |= {"OUTCOMES": charts.OUTCOMES, "REMARKS": charts.REMARKS, "WORDS": WORDS, "Verdict": Verdict}
    return environment


_ENVIRONMENT = _environment()
