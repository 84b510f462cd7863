"""The page on similar notebooks in a real browser: everybody can use it, and it fits every screen."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from autograder.similar.page import Class, render
from autograder.similar.pairs import Document, alike
from tests.toolkit.reports import HOSTILE_TEXTS
from tests.toolkit.similar_class import disguised, released, solution

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of students with hostile names and code."""
    mine = solution("attention")
    texts = [f"x{number} = 1  # {text}" for number, text in enumerate(HOSTILE_TEXTS)]
    documents = [Document("ada", [*mine, *texts]), Document(f"{HOSTILE_TEXTS[0]}b", disguised(mine))]
    documents.append(Document("W" * 110, [cell + "\n" + "W" * 3000 for cell in mine]))
    path = tmp_path_factory.mktemp("similar") / "page.html"
    about = Class("W" * 150, 3, 0.5, ["zed"], ["yan"])
    path.write_text(render(alike(documents, released("attention")), about), encoding="utf-8")
    return path


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_everybody_can_use_it_on_every_screen(
    browser: Browser, page_file: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(page_file.as_uri())
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert said == []


def test_a_passage_leads_to_the_same_one_on_the_other_side(browser: Browser, page_file: Path) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        page.get_by_role("link", name="Pair 1", exact=True).click()
        sides = page.locator("#pair-1 .code")
        link = sides.first.get_by_role("link").nth(3)
        number = link.text_content()
        link.click()
        target = sides.last.locator("mark:target")
        assert target.is_visible()
        assert (target.get_by_role("link").text_content()) == number
