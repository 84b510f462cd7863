"""The class report in a real browser: plots are drawn, tables sort, everybody can use it, a large class is quick."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from autograder.report.page import render
from tests.toolkit.report_class import synthetic_class
from tests.toolkit.reports import HOSTILE_TEXTS, hostile, invalid, mixed

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]
PLOTS = ["plot-scores", "plot-questions", "plot-tests", "plot-mistakes", "plot-time"]

# How many of a canvas' pixels have the colour that the style sheet gives a tone.
PAINTED = """([name, tone]) => {
  const probe = document.createElement("p");
  document.body.append(probe);
  probe.style.color = `var(--${tone})`;
  const [r, g, b] = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
  probe.remove();
  const canvas = document.getElementById(name);
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) found += data[i] === r && data[i + 1] === g && data[i + 2] === b;
  return found;
}"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on 500 students."""
    path = tmp_path_factory.mktemp("large") / "page.html"
    path.write_text(render(synthetic_class(500), title="Attention"), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser, large: Path) -> Iterator[Page]:
    """The large report, opened; whatever a page says on its console fails the test."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        said: list[str] = []
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.goto(large.as_uri())
        yield opened
        assert said == []


def column(page: Page, number: int) -> list[str]:
    """The texts of the students that are shown, in a column counted from 1."""
    cells = page.locator(f"#students-table tbody tr:not([hidden]) > :nth-child({number})")
    return cells.all_text_contents()


def test_every_plot_is_drawn_in_the_colours_of_light_and_dark(page: Page) -> None:
    tones = ["accent", "passed", "accent", "wrong", "accent"]
    for scheme in ("light", "dark", "light"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for name, tone in zip(PLOTS, tones, strict=True):
            page.wait_for_function(f"([name, tone]) => ({PAINTED})([name, tone]) > 100", arg=[name, tone])


def test_a_large_class_stays_small_on_the_page(page: Page, large: Path) -> None:
    cells = 500 * (len(page.locator("#students-table thead th").all()) + 1)
    assert page.evaluate("document.querySelectorAll('*').length") < cells + 2500
    assert large.stat().st_size < 1 << 20


def test_the_arrow_keys_go_through_a_plot_and_say_what_they_meet(page: Page) -> None:
    canvas = page.locator("#plot-questions")
    canvas.focus()
    spoken = canvas.locator("xpath=../following-sibling::p")
    page.keyboard.press("ArrowRight")
    assert (spoken.text_content() or "").startswith("softmax, right: 143, partly right: 319, wrong: 0, not written: 13")
    page.keyboard.press("ArrowLeft")
    assert (spoken.text_content() or "").startswith("explain_masking, ")
    page.locator("#plot-tests").focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_text("Promise 0 of `softmax` holds for every input. (softmax): ").count() == 1


def test_a_click_on_a_heading_sorts(page: Page) -> None:
    scores = page.locator("#students-table").get_by_role("button", name="score", exact=True)
    for state, down in (("descending", True), ("ascending", False)):
        scores.click()
        shown = column(page, 2)
        numbers = [float(text) for text in shown if text != "–"]
        assert numbers == sorted(numbers, reverse=down)
        assert shown[len(numbers) :] == ["–"] * (500 - len(numbers))  # whom the grader failed stand last
        assert scores.locator("..").get_attribute("aria-sort") == state
    page.locator("#students-table").get_by_role("button", name="student", exact=True).press("Enter")
    assert column(page, 1) == [f"student{number:04}" for number in range(500)]
    assert page.locator("#students-table [aria-sort]").count() == 1


def test_the_students_can_be_filtered(page: Page) -> None:
    page.get_by_label("Name or message").fill("NOT JSON")
    assert column(page, 1) == [f"student{number:04}" for number in range(7, 500, 40)]
    assert page.get_by_role("status").filter(has_text="of 500").text_content() == "13 of 500 students"
    page.get_by_label("Name or message").fill("")
    page.get_by_label("Score at most").fill("3")
    assert 0 < len(column(page, 2)) < 100
    assert all(float(text) <= 3 for text in column(page, 2))
    page.get_by_label("with flags").check()
    assert len(column(page, 1)) < 10
    page.get_by_role("combobox", name="Verdict").select_option("Not written yet")
    assert set(column(page, 4)) <= {"Not written yet"}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_everybody_can_use_it(browser: Browser, tmp_path: Path, scheme: Scheme, width: int) -> None:
    path = tmp_path / "page.html"
    path.write_text(render([*synthetic_class(10), mixed(), invalid()], title="Attention"), encoding="utf-8")
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        assert Axe().run(page).response["violations"] == []


def test_no_page_is_wider_than_the_screen_and_hostile_text_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        render([*(hostile(text, student=text) for text in HOSTILE_TEXTS), mixed()], title="W" * 150), encoding="utf-8"
    )
    with browser.new_context() as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        for width in (320, 390, 1200):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.title() == "W" * 150 + ": class report"
        assert said == []


def test_without_scripts_and_on_paper_everything_can_be_read(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(render(synthetic_class(45), title="Attention"), encoding="utf-8")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        assert page.locator("#students-table tbody tr").count() == 45
        assert not page.locator("canvas").first.is_visible()
        assert not page.locator("#filter").is_visible()
        assert not page.get_by_text("Students by score").is_visible()
        page.emulate_media(media="print")
        assert page.get_by_text("Students by score").is_visible()
