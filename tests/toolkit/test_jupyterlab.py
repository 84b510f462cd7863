"""A student's hour in a real JupyterLab: the handout opened, run, filled in, saved, and graded as it was saved."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from autograder.course import Course
from autograder.release import release
from tests.toolkit.command_line import runner
from tests.toolkit.jupyter_pages import Pages, opened_pages
from tests.toolkit.tiny import TOPIC, tiny_course

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NO_NEWS = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
ANSWER = """def halve(x):
    if not x.is_floating_point():
        raise ValueError("x must be floating")
    return x / 2
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = tiny_course(tmp_path_factory.mktemp("jupyterlab"))
    release(course, TOPIC)
    return course


@pytest.fixture(scope="module")
def pages(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """JupyterLab in a student's folder, which holds the handout alone."""
    home, own = tmp_path_factory.mktemp("student"), tmp_path_factory.mktemp("server")
    shutil.copytree(course.root / "release" / TOPIC, home / TOPIC)
    settings = own / "jupyter_config_dir" / "labconfig" / "page_config.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(NO_NEWS), encoding="utf-8")
    with opened_pages(home, own, ("jupyterlab",)) as opened:
        yield opened


def cell(page: Page, text: str) -> Locator:
    """The code cell that ``text`` stands in."""
    return page.locator(".jp-CodeCell").filter(has=page.locator(".cm-content", has_text=text))


def run(page: Page, where: Locator) -> None:
    where.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(where.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))


def write(page: Page, where: Locator, source: str) -> None:
    where.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)


def restart_and_run_all(page: Page) -> None:
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Restart Kernel and Run All Cells").click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()


def save(page: Page) -> None:
    with page.expect_response(lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url) as sent:
        page.keyboard.press("Control+s")
    assert sent.value.ok


def test_a_student_fills_in_one_answer(pages: Pages, course: Course) -> None:
    page = pages.open(f"lab/tree/{TOPIC}/{TOPIC}.ipynb")
    expect(page.get_by_role("button", name="| Idle")).to_be_visible()  # before that, what is run may be lost
    answer, check, output = cell(page, "def halve(x"), cell(page, "# halve: 3 points"), ".jp-OutputArea"
    run(page, cell(page, "import torch"))
    run(page, answer)
    run(page, check)
    expect(check.locator(output)).to_contain_text("NotImplementedError: write your solution here")
    pages.picture("lab-not-written", check)

    write(page, answer, "def halve(x):\n    return x / 3")
    run(page, answer)
    run(page, check)
    expect(check.locator(output)).to_contain_text("AssertionError: half of 3 is 1.5")
    pages.picture("lab-wrong", check)

    write(page, answer, ANSWER)
    restart_and_run_all(page)
    expect(check.locator(output)).to_have_text("halve: this example is right")
    other = cell(page, "# Halver: 2 points")
    expect(other.locator(output)).to_contain_text("NotImplementedError: write your solution here")
    save(page)
    pages.picture("lab-right", check)

    handed_in = course.submitted / "ada" / TOPIC
    handed_in.mkdir(parents=True)
    shutil.copy(pages.root / TOPIC / f"{TOPIC}.ipynb", handed_in)
    runner(course.root)("grade", TOPIC)
    result = json.loads((course.root / "results" / TOPIC / "ada.json").read_bytes())
    assert {question["name"]: question["score"] for question in result["questions"]} == {
        "halve": 3.0,
        "Halver": 0.0,
        "explain_halving": None,
    }
