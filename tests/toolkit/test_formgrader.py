"""nbgrader's formgrader in a real browser: what an instructor presses, reads and types there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from nbgrader.api import Gradebook
from playwright.sync_api import Locator, Page, expect

from autograder.course import Course
from autograder.nbgrader_bridge import configured_db_url
from autograder.release import release
from tests.toolkit.command_line import runner
from tests.toolkit.jupyter_pages import Pages, opened_pages
from tests.toolkit.tiny import TOPIC, tiny_course
from tests.toolkit.tiny_class import MARKUP, answered, cell_of, hand_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FORMGRADER = ("nbgrader.server_extensions.formgrader",)
COMMENT = "Right, **as long as** the number is normal."


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The tiny course, released, graded by the real engine."""
    course = tiny_course(tmp_path_factory.mktemp("formgrader"))
    release(course, TOPIC)
    for student in ("ada", "bob", "cat"):
        hand_in(course, student, answered(course), "2026-03-01 12:00:00 UTC")
    return course


@pytest.fixture(scope="module")
def pages(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with opened_pages(course.root, tmp_path_factory.mktemp("server"), FORMGRADER) as opened:
        yield opened


def submissions(pages: Pages) -> Page:
    """The page of the assignment's submissions, by way of the list of assignments."""
    page = pages.open("formgrader")
    page.locator("td.num-submissions a").click()
    expect(page.get_by_role("heading", name="Manage Submissions")).to_be_visible()
    return page


def row(page: Page, student: str) -> Locator:
    return page.locator("tr").filter(has=page.locator("td.student-id", has_text=re.compile(f"^{student}$")))


def press(page: Page, student: str, button: str) -> str:
    """What formgrader says once the ``button`` in the row of ``student`` has done its work."""
    row(page, student).locator(f"td.{button} a").click()
    dialog = page.locator("#success-modal, #error-modal")
    dialog.get_by_role("button", name="OK").click()
    said = dialog.text_content() or ""
    expect(dialog).to_be_hidden()
    return said


def grading_view(pages: Pages, student: str) -> Page:
    """The notebook of ``student`` under Manual Grading, with its scores filled in."""
    page = pages.open("formgrader/gradebook")
    page.locator("td a", has_text=TOPIC).click()
    page.wait_for_url("**/gradebook/halving")
    page.locator("td a", has_text=TOPIC).click()
    page.get_by_role("link", name="Submission #").first.wait_for()
    page.get_by_role("button", name="Show All Names").click()
    page.get_by_role("link", name=student, exact=True).click()
    loaded(page)
    return page


def loaded(page: Page) -> None:
    page.wait_for_function("window.formgrader?.grades?.loaded && formgrader.comments?.loaded")


def fill(page: Page, field: Locator, text: str) -> None:
    """Type and leave the field, which saves."""
    with page.expect_response(lambda answer: answer.request.method == "PUT") as saved:
        field.fill(text)
        field.blur()
    assert saved.value.ok


def test_an_instructor_grades_one_student(pages: Pages, course: Course) -> None:
    page = submissions(pages)
    expect(row(page, "ada").locator(".status")).to_have_text("needs autograding")
    assert "Successfully autograded" in press(page, "ada", "autograde")
    expect(row(page, "ada").locator(".status")).to_have_text("needs manual grading")
    expect(row(page, "ada").locator(".score")).to_have_text("2 / 7")
    pages.picture("submissions")

    page = grading_view(pages, "ada")
    expect(page.locator("#halve")).to_have_attribute("placeholder", "2")
    expect(page.get_by_text("halve: Partly right, 2 of 3 points")).to_be_visible()
    fill(page, page.locator("#explain_halving"), "1.5")
    fill(page, page.locator("#explain_halving-comment"), COMMENT)
    pages.picture("grading")
    page.reload()
    loaded(page)
    expect(page.locator("#explain_halving")).to_have_value("1.5")
    expect(page.locator("#explain_halving-comment")).to_have_value(COMMENT)
    assert entered(course, "ada") == (3.5, False, COMMENT)

    page = submissions(pages)
    expect(row(page, "ada").locator(".status")).to_have_text("graded")
    expect(row(page, "ada").locator(".score")).to_have_text("3.5 / 7")
    assert "Successfully generated feedback" in press(page, "ada", "generate-feedback")
    feedback = course.root / "feedback" / "ada" / TOPIC / f"{TOPIC}.html"
    page.goto(feedback.as_uri())
    pages.picture("feedback")
    expect(page.get_by_role("heading", name="halving (Score: 3.5 / 7.0)")).to_be_visible()
    expect(page.get_by_text("Right, as long as the number is normal.")).to_be_visible()
    assert_no_answers(feedback.read_text(encoding="utf-8"), course)

    # The command line gives the same points, and what was typed stays.
    runner(course.root)("grade", TOPIC, "--student", "ada")
    result = json.loads((course.root / "results" / TOPIC / "ada.json").read_bytes())
    assert (result["score"], result["max_score"]) == (2.0, 7.0)
    assert entered(course, "ada") == (3.5, False, COMMENT)


def entered(course: Course, student: str) -> tuple[float, bool, str | None]:
    """Score, whether a person must still look, and the comment on the written answer, as the database has them."""
    with Gradebook(configured_db_url(course), "tiny") as gradebook:
        submission = gradebook.find_submission(TOPIC, student)
        comment = gradebook.find_comment("explain_halving", TOPIC, TOPIC, student)
        return submission.score, submission.needs_manual_grade, comment.manual_comment


def test_a_second_look_shows_the_second_grade(pages: Pages, course: Course) -> None:
    press(submissions(pages), "bob", "autograde")
    page = grading_view(pages, "bob")
    expect(page.locator("#halve")).to_have_attribute("placeholder", "2")
    fill(page, page.locator("#explain_halving"), "0.5")
    again = answered(course)
    cell_of(again, "halve-answer").source = "def halve(x):\n    return x"
    hand_in(course, "bob", again, "2026-03-02 12:00:00 UTC")
    press(submissions(pages), "bob", "autograde")
    page = grading_view(pages, "bob")
    expect(page.get_by_text("halve: Not right yet, 0 of 3 points")).to_be_visible()
    expect(page.locator("#halve")).to_have_attribute("placeholder", "0")
    expect(page.locator("#explain_halving")).to_have_value("0.5")


def test_markup_of_a_student_is_text_in_the_grading_view(pages: Pages, course: Course) -> None:
    notebook = answered(course, MARKUP)
    hand_in(course, "cat", notebook)
    press(submissions(pages), "cat", "autograde")
    said: list[str] = []
    pages.page.on("request", lambda request: said.append(request.url))
    page = grading_view(pages, "cat")
    expect(page.get_by_text("steal()")).to_be_visible()
    assert [url for url in said if "spy.example" in url] == []


def assert_no_answers(html: str, course: Course) -> None:
    """No hidden test and no private helper of the model solution is named in ``html``."""
    for path in ("reference/halving.py", "tests/hidden/test_halving.py"):
        names = re.findall(r"def (test_\w+|_[a-z]\w+)", (course.root / path).read_text(encoding="utf-8"))
        assert names
        assert [name for name in names if name in html] == []
