from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from msgspec.structs import replace

from autograder.course import Course
from autograder.errors import UsageError
from autograder.model import CellRecord, Flag, GradeReport
from autograder.pseudonyms import under_pseudonyms
from autograder.report.page import render, write_report
from autograder.seed import Seed
from tests.toolkit.command_line import runner
from tests.toolkit.report_class import QUESTIONS, synthetic_class
from tests.toolkit.reports import HOSTILE_TEXTS, SAMPLES, grader_failed, hostile, mixed, report
from tests.toolkit.tiny import TOPIC, tiny_course

ROOT = Path(__file__).parents[2]
VENDORED = ROOT / "autograder" / "templates" / "vendor" / "chart.umd.min.js"


class Page(HTMLParser):
    """What a browser finds on a page: elements, addresses, scripts, text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.words: list[str] = []
        self.policy = ""
        self._inside = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements[tag] += 1
        if tag not in ("a", "code", "em", "small", "strong", "wbr"):
            self.words.append(" ")
        self.addresses += [given[name] or "" for name in ("href", "src", "srcset", "action", "data") if name in given]
        self.handlers += [name for name in given if name.startswith("on") or name == "style"]
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        if tag in self.raw:
            self._inside = tag
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside][-1] += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    @property
    def plots(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.raw["script"][0])
        return found


def sha256(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# ------------------------------------------------------------------------------------------- the page


def test_every_student_question_and_test_is_there() -> None:
    reports = synthetic_class(45)
    text = Page(render(reports, title="Attention")).text
    for made in reports:
        assert f" {made.student} " in text
    for name in (*QUESTIONS, "explain_masking", "test_softmax_0", "test_bahdanau_scores_5", "forgot_to_scale"):
        assert name in text


def test_the_headline() -> None:
    text = Page(render([mixed(), replace(mixed(), student="bob", score=5.0), grader_failed()], title="Attention")).text
    for words in ("students 3", "graded 2", "mean 3.5 of 11", "median 3.5 of 11", "wait for a GPU 2"):
        assert words in text
    for words in ("wait for a person 4", "flags to look at 2", "grader errors 1"):
        assert words in text


def test_a_failure_of_the_grader_is_no_zero() -> None:
    html = render([mixed(), grader_failed()], title="Attention")
    row = next(row for row in html.split("<tr>") if ">unlucky</th>" in row)
    assert row.count('<td class="number">–</td>') == 3 + len(mixed().questions) - 1
    assert "RuntimeError: internal detail of the grader" in row
    assert "0 points" not in Page(html).text


def test_remarkable_tests_are_named() -> None:
    text = Page(render(synthetic_class(200), title="Attention")).text
    assert "1 test: weaker students do better Promise 4 of causal_mask holds for every input." in text
    assert "1 test: nobody passes Promise 5 of bahdanau_scores" in text
    assert "1 test: everybody who wrote it passes Promise 0 of softmax" in text
    assert "standard error of a value near 0 is about 0.07" in text
    assert "Henrysson" in text


def test_grades_that_were_not_made_alike_are_pointed_at() -> None:
    assert "not made alike: torch differs between students" in Page(render(synthetic_class(98), title="A")).text
    assert "All grades were made alike." in Page(render(synthetic_class(3), title="A")).text


@pytest.mark.parametrize("name", SAMPLES)
def test_a_class_of_one_has_a_page(name: str) -> None:
    made = SAMPLES[name]()
    page = Page(render([made], title="Attention"))
    assert made.student in page.text
    assert page.elements["h1"] == 1


def test_where_nothing_could_be_graded_the_page_says_whose_fault_it_is() -> None:
    page = Page(render([grader_failed()], title="Attention"))
    assert "that is the grader's fault" in page.text
    assert page.plots == []


def test_every_plot_has_its_words() -> None:
    html = render(synthetic_class(45), title="Attention")
    plots = Page(html).plots
    assert [plot["name"] for plot in plots] == [
        "plot-scores", "plot-questions", "plot-tests", "plot-mistakes", "plot-time",
    ]  # fmt: skip
    for plot in plots:
        assert f"<figcaption>{plot['summary']}</figcaption>" in html
        assert f'<canvas id="{plot["name"]}" role="img" tabindex="0" aria-label="{plot["title"]}.' in html


# ------------------------------------------------------------------------------------------ its safety


def test_nothing_outside_is_named_and_only_our_scripts_are_allowed() -> None:
    page = Page(render(synthetic_class(45), title="Attention", links={"student0001": "../feedback/x.html"}))
    assert {address for address in page.addresses if not address.startswith("#")} == {"../feedback/x.html"}
    assert page.handlers == []
    data, *scripts = page.raw["script"]
    assert len(scripts) == 2
    hashes = " ".join(f"'{sha256(script)}'" for script in scripts)
    assert f"default-src 'none'; script-src {hashes}; style-src '{sha256(page.raw['style'][0])}';" in page.policy
    assert sha256(data) not in page.policy
    assert "sourceMappingURL" not in "".join(scripts)
    assert not re.search(r"https?:", data + page.text + scripts[1])


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: text[:12])
def test_hostile_text_stays_text(text: str) -> None:
    students = [hostile(text, student=text), mixed()]
    page, plain = (Page(render(one, title="Attention")) for one in (students, [hostile("x", student="x"), mixed()]))
    page.elements.pop("wbr", None)
    plain.elements.pop("wbr", None)
    assert page.elements == plain.elements
    assert page.handlers == []
    assert page.addresses == plain.addresses
    assert "<" not in page.raw["script"][0]
    shown = page.text + page.raw["script"][0]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff]", shown)
    assert len(shown) < 40_000


def test_the_vendored_library_is_the_one_that_is_recorded() -> None:
    digest = hashlib.sha256(VENDORED.read_bytes()).hexdigest()
    version = re.search(r"Chart\.js v([\d.]+)", VENDORED.read_text(encoding="utf-8"))
    told = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert version is not None
    assert f"Chart.js {version[1]}" in told
    assert digest in told
    assert "Chart.js Contributors" in VENDORED.with_name("chart.LICENSE.txt").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------ pseudonyms

SECRET = "Ada Lovelace"  # noqa: S105 - a name that must not be seen


def with_names() -> GradeReport:
    """A report that holds a student's name wherever a student can write."""
    made = mixed()
    tests = [replace(test, message=SECRET, counterexample=None) for test in made.questions[0].tests]
    return replace(
        made,
        student="ada",
        message=SECRET,
        cells=(CellRecord(index=0, status="error", message=SECRET),),
        flags=(Flag(kind="source", detail=SECRET),),
        questions=(replace(made.questions[0], tests=tuple(tests), note=SECRET), *made.questions[1:]),
    )


def test_pseudonyms_are_the_same_each_time_and_after_a_new_seed(tmp_path: Path) -> None:
    first = under_pseudonyms(synthetic_class(50), tmp_path)
    Seed.renew(tmp_path)
    again = under_pseudonyms(reversed(synthetic_class(50)), tmp_path)
    assert [one.student for one in first] == [one.student for one in again]
    assert len({one.student for one in first}) == 50
    assert all(re.fullmatch(r"[0-9a-z]{5}-[0-9a-z]{7}", one.student) for one in first)


def test_pseudonyms_of_another_course_are_others(tmp_path: Path) -> None:
    here, there = (under_pseudonyms(synthetic_class(20), tmp_path / name) for name in ("here", "there"))
    assert not {one.student for one in here} & {one.student for one in there}


def test_a_page_under_pseudonyms_is_not_in_the_order_of_the_ids(tmp_path: Path) -> None:
    hidden = under_pseudonyms(synthetic_class(50), tmp_path)
    assert [one.student for one in hidden] == sorted(one.student for one in hidden)
    by_score = {made.student: made.score for made in synthetic_class(50)}
    assert [one.score for one in hidden] != list(by_score.values())


def test_reports_under_pseudonyms_hold_nothing_that_a_student_wrote(tmp_path: Path) -> None:
    assert SECRET.encode() in with_names().to_json()
    (hidden,) = under_pseudonyms([with_names()], tmp_path)
    assert SECRET.encode() not in hidden.to_json()
    assert b'"ada"' not in hidden.to_json()
    assert hidden.score == with_names().score


# ----------------------------------------------------------------------------------------- the command


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


def put(course: Course, graded: GradeReport, *, page: bool = True) -> None:
    path = course.results / TOPIC / f"{graded.student}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(replace(graded, assignment=TOPIC).to_json())
    if page:
        path = course.root / "feedback" / graded.student / f"{TOPIC}.html"
        path.parent.mkdir(parents=True)
        path.touch()


def test_the_command_writes_a_page_with_links_that_lead_somewhere(course: Course) -> None:
    put(course, mixed())
    put(course, report(student="o'neil #1?&<b>"))
    put(course, report(student="late"), page=False)
    run = runner(course.root)
    written = course.root / "reports" / f"{TOPIC}.html"
    assert run("report", TOPIC).stdout == f"3 students in {written}\n"
    run("report", TOPIC, "--output", "elsewhere/deep/page.html")
    for path in (written, course.root / "elsewhere" / "deep" / "page.html"):
        links = [unquote(link) for link in Page(path.read_text(encoding="utf-8")).addresses if link[0] != "#"]
        assert len(links) == 2
        assert all((path.parent / link).is_file() for link in links)


def test_the_command_hides_who_is_who(course: Course) -> None:
    put(course, with_names())
    written = course.root / "reports" / f"{TOPIC}-pseudonyms.html"
    assert runner(course.root)("report", TOPIC, "--pseudonyms").stdout == f"1 student in {written}\n"
    html = written.read_text(encoding="utf-8")
    page = Page(html)
    assert SECRET not in html
    assert not re.search(r"\bada\b", page.text)
    assert [link for link in page.addresses if link[0] != "#"] == []
    assert "under pseudonyms" in page.text


def test_wrong_use_is_told(course: Course) -> None:
    run = runner(course.root)
    assert "/dev/null is no ordinary file" in run("report", TOPIC, "--output", "/dev/null", code=2).stderr


def test_without_results_or_with_one_that_cannot_be_read_there_is_no_page(course: Course) -> None:
    with pytest.raises(UsageError, match="did you mean 'halving'"):
        write_report(course, "halvign")
    with pytest.raises(UsageError, match="grade first: autograder grade halving"):
        write_report(course, TOPIC)
    put(course, mixed())
    (course.results / TOPIC / "eve.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match=r"eve\.json is not a result file"):
        write_report(course, TOPIC)
    assert not (course.root / "reports").exists()
