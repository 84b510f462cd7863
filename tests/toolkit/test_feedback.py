from __future__ import annotations

import base64
import hashlib
import itertools
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.disclosure import Level
from autograder.errors import UsageError
from autograder.extras import Extras, Given
from autograder.feedback import CELLS, OPEN, render, write_pages
from autograder.model import CellRecord, Counterexample, GradeReport, Verdict
from autograder.words import WORDS
from tests.toolkit import reports

# What a page may hold at all: nothing that loads, runs, embeds or submits.
TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "main",
    "footer",
    "nav",
    "section",
    "article",
    "div",
}
TAGS |= {"h1", "h2", "h3", "p", "ol", "ul", "li", "dl", "dt", "dd", "pre", "code", "span", "strong", "em", "blockquote"}
TAGS |= {"h4", "table", "caption", "thead", "tbody", "tr", "th", "td", "mark", "figure", "figcaption"}
TAGS |= {"a", "svg", "rect", "path", "details", "summary"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "width", "height", "x"}
ATTRIBUTES |= {"scope", "viewbox", "d", "fill-opacity"}
ATTRIBUTES |= {"tabindex", "role", "aria-label", "aria-labelledby", "aria-hidden", "focusable"}


class Page(HTMLParser):
    """A page taken apart: its tags with attributes, its text, the text of each heading."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.tags[-1][0] if self.tags else "", data))

    @property
    def text(self) -> str:
        """What a person reads, in single spaces."""
        return " ".join(" ".join(data for tag, data in self.texts if tag != "style").split())

    def values(self, attribute: str) -> list[str]:
        return [found for _, attributes in self.tags if (found := attributes.get(attribute)) is not None]


def page(report: GradeReport, **options: Any) -> Page:
    return Page(render(report, **({"title": "Attention from scratch"} | options)))


# --------------------------------------------------------------------------------- what the page says


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_is_said_in_its_words(verdict: Verdict) -> None:
    shown = page(reports.report(reports.question("softmax", reports.record(verdict))))
    assert WORDS[verdict].label in shown.text
    assert str(verdict) not in {data for _, data in shown.texts}


def test_a_failed_test_shows_hint_call_expected_and_answer() -> None:
    text = page(reports.mixed()).text
    for said in (
        "softmax stays finite for large scores",
        "A likely cause exp overflows for large scores: subtract the largest score of each row first.",
        "The result holds nan where the expected value has none",
        "The smallest call found that goes wrong softmax(torch.tensor([1000., 0.]), dim=-1)",
        "Expected torch.tensor([1., 0.])",
        "Your answer torch.tensor([float('nan'), 0.])",
        "Probably because of softmax.",
    ):
        assert said in text


def test_the_hint_comes_before_everything_else_of_its_test() -> None:
    text = page(reports.mixed()).text
    assert text.index("A likely cause") < text.index("The result holds nan") < text.index("The smallest call")


def test_tensors_stand_side_by_side_with_what_differs_marked_in_both() -> None:
    shown = page(reports.mixed())
    assert "Expected shape 2 × 3 × 40 0 1 2 3 …" in shown.text
    assert "1 0.2500 0.5000 differs nan differs 0.0000 …" in shown.text
    assert "2 of 240 entries differ: the marked ones. Shown is the matrix at [1]." in shown.text
    assert "3 rows, columns 0 to 3 of 40." in shown.text
    assert [tag for tag, _ in shown.tags].count("mark") == 4
    assert {attributes["scope"] for tag, attributes in shown.tags if tag == "th"} == {"row", "col"}
    drawn = [attributes for tag, attributes in shown.tags if tag == "svg" and attributes.get("role") == "img"]
    assert [attributes["aria-label"] for attributes in drawn] == [
        f"{side} as a heat map: 3 rows, columns 0 to 3 of 40. The table above has the numbers."
        for side in ("Expected", "Your answer")
    ]


def test_an_error_names_what_was_raised_and_the_line_it_comes_from() -> None:
    example = Counterexample(
        call="f(1)", expected="an answer", got="KeyError: 'x' (cell 3, line 2)", line="return d[x]"
    )
    raised = reports.record(Verdict.ERROR, message="KeyError: 'x' (cell 3, line 2)", counterexample=example)
    text = page(reports.report(reports.question("f", raised))).text
    assert (
        "What it raised KeyError: 'x' (cell 3, line 2) The line of your notebook that it comes from return d[x]" in text
    )
    assert text.count("KeyError") == 1
    assert "an answer" not in text
    assert WORDS[Verdict.ERROR].advice not in text


def test_tests_that_tell_the_same_are_folded_after_the_first() -> None:
    errors = [reports.record(Verdict.ERROR, message=f"NameError: x (cell 3, line {i})") for i in range(4)]
    hinted = [reports.record(Verdict.FAILED, message=f"off by {i}", hint="Rows.") for i in range(3)]
    html = page(reports.report(reports.question("f", *errors, *hinted))).html
    assert (html.count("<article"), html.count('<details class="test">')) == (2, 5)
    assert html.count("Also not right, most likely for the same reason") == 1


def test_a_question_with_many_causes_folds_the_later_ones() -> None:
    many = [reports.record(Verdict.FAILED, message=f"off by {i}") for i in range(OPEN + 4)]
    html = page(reports.report(reports.question("f", *many))).html
    assert (html.count("<article"), html.count('<details class="test">')) == (OPEN, 4)


def test_what_to_do_next_links_to_the_question_and_names_what_waits_for_it() -> None:
    shown = page(reports.mixed())
    assert "What to do next Start with softmax : a likely cause is this. exp overflows" in shown.text
    assert "That may also repair scaled_dot_product_attention , which builds on it." in shown.text
    assert "question-1" in shown.values("id")
    assert "What to do next" not in page(reports.all_passed()).text


def test_a_cell_that_cannot_be_read_comes_first() -> None:
    cells = (
        CellRecord(index=3, status="error", message="SyntaxError: invalid syntax (cell 3, line 1)", line="def f(x"),
    )
    text = page(reports.report(reports.question("f", reports.record(Verdict.MISSING)), cells=cells)).text
    assert "Repair cell 3 first: Python cannot read it" in text
    assert "Then look at f again." in text
    assert "SyntaxError: invalid syntax (cell 3, line 1) > def f(x" in text


def test_names_between_backticks_are_set_as_code() -> None:
    html = page(reports.mixed()).html
    assert "<p><code>exp</code> overflows" in html
    odd = reports.record(Verdict.FAILED, hint="a lone ` stays <b>text</b>")
    assert "a lone ` stays &lt;b&gt;" in page(reports.report(reports.question("softmax", odd))).html


def test_score_open_points_waiting_points_and_lateness() -> None:
    text = page(reports.mixed(), extras=Extras(seconds_late=7500, penalty=0.5)).text
    assert "1.5 of 11 points so far" in text
    assert "1 point still open: it needs a machine with a GPU" in text
    assert "2 points waiting for a person" in text
    assert "Handed in 2 hours 5 minutes after the deadline: 0.5 points taken off." in text


def test_lateness_that_costs_nothing_says_so() -> None:
    text = page(reports.all_passed(), extras=Extras(seconds_late=60)).text
    assert "1 minute after the deadline: no points taken off" in text
    assert "5 of 5 points " in text


def test_a_penalty_takes_no_more_than_there_is() -> None:
    assert "0 of 5 points" in page(reports.all_passed(), extras=Extras(seconds_late=60, penalty=9.0)).text


def test_full_marks_are_celebrated_and_nothing_is_open() -> None:
    text = page(reports.all_passed()).text
    assert "5 of 5 points Everything that is tested is right. Well done!" in text
    assert "so far" not in text


def test_an_untouched_notebook_gets_friendly_words_and_no_failures() -> None:
    text = page(reports.nothing_written()).text
    assert "No function is written yet." in text
    assert "2 tests waiting for your function" in text
    assert "Not right yet" not in text


def test_a_question_with_some_points_is_partly_right() -> None:
    some = reports.question("softmax", reports.record(), reports.record(Verdict.MISSING))
    assert "Partly right" in page(reports.report(some)).text
    none = reports.question("softmax", reports.record(Verdict.FAILED))
    assert "Partly right" not in page(reports.report(none)).text


def test_how_many_questions_are_right() -> None:
    right = reports.question("one", reports.record())
    wrong = reports.question("two", reports.record(Verdict.FAILED))
    assert "1 of 2 tested questions fully right." in page(reports.report(right, wrong)).text
    assert "fully right" not in page(reports.report(wrong)).text


def test_a_grader_error_is_our_fault_and_never_a_zero() -> None:
    text = page(reports.grader_failed()).text
    assert "Not graded yet" in text
    assert "This is our fault, not yours, and nothing is lost" in text
    assert "– of 5 points" in text
    assert "0 of 5" not in text
    assert "internal detail" not in text


def test_an_unreadable_notebook_comes_with_the_way_out() -> None:
    text = page(reports.invalid()).text
    assert "Your file could not be opened as a notebook" in text
    assert "hand the file in again" in text
    assert "the file is not JSON: line 1, column 1" in text
    assert "1 test waiting for a notebook that opens" in text


def test_an_open_test_has_a_dash_for_points() -> None:
    deferred = reports.question("softmax", reports.record(Verdict.DEFERRED))
    text = page(reports.report(deferred)).text
    assert "Still open – of 1 point" in text
    assert "1 test still open, for a machine with a GPU" in text


def test_cells_that_did_not_end_are_listed_and_did_not_stop_the_grading() -> None:
    text = page(reports.mixed()).text
    assert "That did not stop the grading" in text
    assert "Cell 5 stopped with an error: NameError: name 'scores' is not defined" in text
    assert "Cell 9 ran out of time: " in text
    assert "Cell 2" not in text


def test_checks_that_met_a_stub_are_counted_not_listed() -> None:
    cells = tuple(CellRecord(index=i, status="error", message="NotImplementedError: softmax") for i in range(3))
    text = page(reports.report(cells=cells)).text
    assert "3 cells met a function that is not written yet" in text
    assert "Cell 1" not in text


def test_a_long_list_of_cells_is_cut() -> None:
    cells = tuple(CellRecord(index=i, status="error", message="boom") for i in range(CELLS + 7))
    text = page(reports.report(cells=cells)).text
    assert f"Cell {CELLS - 1} " in text
    assert f"Cell {CELLS} " not in text
    assert "And 7 more cells." in text


def test_a_cell_that_was_not_run_is_said() -> None:
    cells = (CellRecord(index=4, status="skipped"),)
    assert "Cell 4 was not run." in page(reports.report(cells=cells)).text


def test_a_message_on_the_whole_notebook_is_shown() -> None:
    report = reports.report(reports.question("softmax", reports.record()), message="the budget of 240 s was used up")
    assert "About the whole notebook the budget of 240 s was used up" in page(report).text


def test_manual_questions_wait_for_a_person_then_show_score_and_comment() -> None:
    waiting = reports.report(reports.manual_question())
    assert "Waiting for a person – of 2 points" in page(waiting).text
    scored = page(waiting, extras=Extras(given={"explain_masking": Given(1.5, comment="Nice <b>picture</b>.")}))
    assert "1.5 of 2 points" in scored.text
    assert "Scored by a person" in scored.text
    assert "Nice &lt;b&gt;picture&lt;/b&gt;." in scored.html
    assert "so far" not in scored.text


def test_a_manual_score_of_the_report_itself_is_shown() -> None:
    text = page(reports.report(reports.manual_question(score=2.0))).text
    assert "Scored by a person 2 of 2 points" in text


def test_a_persons_score_replaces_the_automatic_one() -> None:
    wrong = reports.report(reports.question("softmax", reports.record(), reports.record(Verdict.FAILED)))
    text = page(wrong, extras=Extras(given={"softmax": Given(2.0)})).text
    assert "2 of 2 points" in text
    assert "1 of 2 points" not in text


def test_points_above_the_maximum_are_shown_and_fit_the_bar() -> None:
    shown = page(reports.report(reports.question("softmax", reports.record(points=3.0), max_score=2.0), max_score=2.0))
    assert "3 of 2 points" in shown.text
    assert max(float(width.rstrip("%")) for width in shown.values("width") if "%" in width) == 100.0


def test_the_advice_on_a_verdict_is_given_once_per_question() -> None:
    twice = reports.question("softmax", *(reports.record(Verdict.TIMEOUT, message="stopped after 5 s") for _ in "ab"))
    text = page(reports.report(twice)).text
    assert text.count(WORDS[Verdict.TIMEOUT].advice) == 1
    assert text.count("Stopped after 5 s.") == 2


def test_category_shows_titles_verdicts_and_states_of_cells_only() -> None:
    report = reports.mixed()
    text = page(report, level="category").text
    assert "softmax stays finite for large scores ✗ Not right yet 0 of 1 point" in text
    assert "Cell 5 stopped with an error." in text
    for hidden in ("A likely cause", "overflows", "smallest call", "Expected", "Your answer", "nan", "robably"):
        assert hidden not in text
    assert "NameError" not in text


def test_category_hides_why_a_notebook_could_not_be_opened_but_not_the_way_out() -> None:
    text = page(reports.invalid(), level="category").text
    assert "hand the file in again" in text
    assert "not JSON" not in text


# ------------------------------------------------------------------------------------- what the page is


@pytest.mark.parametrize("level", ["full", "category"])
@pytest.mark.parametrize("text", reports.HOSTILE_TEXTS, ids=range(len(reports.HOSTILE_TEXTS)))
def test_hostile_text_stays_text(text: str, level: Level) -> None:
    extras = Extras(given={text: Given(1.0, comment=text)})
    shown = page(reports.hostile(text, student=text), title=text, level=level, extras=extras)
    assert {tag for tag, _ in shown.tags} <= TAGS
    assert {name for _, attributes in shown.tags for name in attributes} <= ATTRIBUTES
    assert all(re.fullmatch(r"#(question-\d+|cells)", href) for href in shown.values("href"))
    assert not [char for char in shown.html if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co")]
    assert len(shown.html) < 100_000


def test_a_template_in_a_students_text_is_not_evaluated() -> None:
    html = page(reports.hostile("{{ 7 * 7 }}")).html
    assert "{{ 7 * 7 }}" in html


@pytest.mark.parametrize("sample", reports.SAMPLES)
def test_the_page_names_no_address(sample: str) -> None:
    html = page(reports.SAMPLES[sample]()).html
    assert not re.search(r"https?:|//|url\(|@import|javascript:|src=", html)


@pytest.mark.parametrize("sample", reports.SAMPLES)
def test_the_policy_allows_the_pages_own_style_and_nothing_else(sample: str) -> None:
    html = page(reports.SAMPLES[sample]()).html
    style = html.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'"
    assert f'content="{policy.format(digest)}"' in html
    assert " style=" not in html.replace(style, "")
    assert html.index("Content-Security-Policy") < html.index("<title>")


@pytest.mark.parametrize("sample", reports.SAMPLES)
def test_headings_landmarks_and_links_are_in_order(sample: str) -> None:
    shown = page(reports.SAMPLES[sample]())
    names = [tag for tag, _ in shown.tags]
    levels = [int(tag[1]) for tag in names if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert [names.count(tag) for tag in ("header", "main", "footer")] == [1, 1, 1]
    ids = shown.values("id")
    assert len(ids) == len(set(ids))
    assert {href.removeprefix("#") for href in shown.values("href")} <= set(ids)
    assert set(shown.values("aria-labelledby")) <= set(ids)


def test_the_same_report_gives_the_same_page() -> None:
    assert page(reports.mixed()).html == page(reports.mixed()).html


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_text_colour_has_a_contrast_of_at_least_4_5() -> None:
    html = page(reports.all_passed()).html
    palettes = [
        dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\}", html, re.DOTALL)
    ]
    assert len(palettes) == 3  # light, dark, print
    pairs = [*itertools.product(("text", "muted", "link", "good", "bad", "open", "ours"), ("page", "card"))]
    for palette in palettes:
        marks = [("text", paper) for paper in ("inset", "hint", "ours-mark", "theirs-mark")]
        for ink, paper in [*pairs, *marks]:
            dark, light = sorted((luminance(palette[ink]), luminance(palette[paper])))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, palette[ink], paper, palette[paper])


# ------------------------------------------------------------------------------------------------ files


@pytest.fixture
def course(tmp_path: Path) -> Course:
    files = {
        "nbgrader_config.py": "",
        "assignments/attention/attention.md": "---\nautograder:\n  title: Attention & <more>\n---\n",
        "reference/attention.py": "",
        "tests/hidden/test_attention.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Course(tmp_path)


def store(course: Course, report: GradeReport, name: str | None = None) -> Path:
    path = course.results / "attention" / f"{name or report.student}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(report.to_json())
    return path


def test_a_page_for_every_result(course: Course) -> None:
    store(course, reports.mixed())
    store(course, reports.all_passed())
    pages = write_pages(course, "attention")
    assert pages == [course.root / "feedback" / student / "attention.html" for student in ("ada", "grace")]
    assert "Attention &amp; &lt;more&gt;: feedback for ada" in pages[0].read_text(encoding="utf-8")
    assert [path.name for path in pages[0].parent.iterdir()] == ["attention.html"]


def test_pages_are_written_anew_and_nbgraders_folder_is_left_alone(course: Course) -> None:
    theirs = course.root / "feedback" / "ada" / "attention" / "attention.html"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("nbgrader's own")
    store(course, reports.mixed())
    write_pages(course, "attention")
    store(course, reports.report(reports.question("softmax", reports.record())))
    (ours,) = write_pages(course, "attention")
    assert "Well done!" in ours.read_text(encoding="utf-8")
    assert theirs.read_text() == "nbgrader's own"
    assert [path.name for path in theirs.parent.iterdir()] == ["attention.html"]


def test_the_level_is_the_assignments_own_unless_given(course: Course) -> None:
    store(course, reports.mixed())
    handout = course.root / "assignments" / "attention" / "attention.md"
    handout.write_text("---\nautograder: {title: Exam, feedback: category}\n---\n")
    (exam,) = write_pages(course, "attention")
    assert "A likely cause" not in exam.read_text(encoding="utf-8")
    write_pages(course, "attention", level="full")
    assert "A likely cause" in exam.read_text(encoding="utf-8")


def test_extras_reach_their_student_only(course: Course) -> None:
    store(course, reports.mixed())
    store(course, reports.all_passed())
    ada, grace = write_pages(course, "attention", extras={"ada": Extras(seconds_late=3600)})
    assert "1 hour after the deadline" in ada.read_text(encoding="utf-8")
    assert "after the deadline" not in grace.read_text(encoding="utf-8")


def test_without_results_the_message_names_the_next_command(course: Course) -> None:
    with pytest.raises(UsageError, match=r"no results in .*attention; grade first: autograder grade attention"):
        write_pages(course, "attention")


def test_a_broken_result_file_is_named(course: Course) -> None:
    path = store(course, reports.mixed())
    path.write_text('{"schema": 1')
    with pytest.raises(UsageError, match=r"ada\.json is not a result file: .*; delete it and grade again"):
        write_pages(course, "attention")


def test_a_result_under_another_students_name_is_refused(course: Course) -> None:
    store(course, reports.mixed(), name="grace")
    with pytest.raises(
        UsageError, match=r"grace\.json holds the result of 'ada' in 'attention': its name does not fit"
    ):
        write_pages(course, "attention")
