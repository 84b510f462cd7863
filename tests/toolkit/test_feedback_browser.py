"""The feedback page in a real browser: nothing runs, nothing is fetched, nothing runs off a phone's screen."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from autograder.extras import Extras, Given
from autograder.feedback import render
from tests.toolkit import reports

pytestmark = pytest.mark.browser

# Each of these either renames the page or asks the listener for a file, if a browser takes it for more than text.
PAYLOADS = """
<script>document.title = 'pwned'</script>
<script src="{server}/script"></script>
<img src="{server}/image" onerror="document.title = 'pwned'">
<svg onload="document.title = 'pwned'"><image href="{server}/svg"/></svg>
<link rel="stylesheet" href="{server}/sheet">
<style>@import url({server}/import); body {{ background: url({server}/background) }}</style>
<p style="background: url({server}/inline)">styled</p>
<iframe src="{server}/frame"></iframe><object data="{server}/object"></object><embed src="{server}/embed">
<video poster="{server}/poster" src="{server}/video" autoplay></video>
<details open ontoggle="document.title = 'pwned'">x</details>
"""


class Listener(ThreadingHTTPServer):
    """A web server on this machine that answers nothing useful and remembers what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def open_page(browser: Browser, folder: Path, html: str) -> tuple[str, list[str]]:
    """Open ``html`` from a file as a student does; returns the page's title and what the console said."""
    path = folder / "page.html"
    path.write_text(html, encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(path.as_uri(), wait_until="networkidle")
        return page.title(), said


def page_with_payloads_let_through(listener: Listener) -> str:
    """A page on which escaping has failed."""
    html = render(reports.mixed(), title="Feedback")
    return html.replace("<main>", "<main>" + PAYLOADS.format(server=listener.address))


def test_hostile_text_runs_nothing_and_fetches_nothing(browser: Browser, listener: Listener, tmp_path: Path) -> None:
    payloads = PAYLOADS.format(server=listener.address)
    html = render(reports.hostile(payloads), title="Feedback")
    assert open_page(browser, tmp_path, html) == ("Feedback: feedback for mallory", [])
    assert listener.asked == []


def test_the_policy_holds_even_where_escaping_would_fail(browser: Browser, listener: Listener, tmp_path: Path) -> None:
    title, said = open_page(browser, tmp_path, page_with_payloads_let_through(listener))
    assert title == "Feedback: feedback for ada"
    assert listener.asked == []
    assert any("Content Security Policy" in line for line in said)


def test_the_payloads_are_dangerous(browser: Browser, listener: Listener, tmp_path: Path) -> None:
    """The control: without policy and escaping the same payloads do run, so the tests above can fail."""
    html = page_with_payloads_let_through(listener).replace("Content-Security-Policy", "X-Nothing")
    title, _ = open_page(browser, tmp_path, html)
    assert title == "pwned"
    assert {"/script", "/image", "/sheet", "/import", "/frame"} <= set(listener.asked)


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_no_page_is_wider_than_the_screen(browser: Browser, tmp_path: Path, width: int) -> None:
    samples = {name: make() for name, make in reports.SAMPLES.items()}
    samples |= {f"hostile{i}": reports.hostile(text) for i, text in enumerate(reports.HOSTILE_TEXTS)}
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        for name, report in samples.items():
            path = tmp_path / f"{name}.html"
            path.write_text(render(report, title="W" * 150), encoding="utf-8")
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_the_style_is_applied_in_light_and_dark(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(render(reports.mixed(), title="Feedback"), encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(path.as_uri())
        colours = {}
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            colours[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colours == {"light": "rgb(244, 245, 247)", "dark": "rgb(17, 21, 27)"}


def test_print_unfolds_what_the_screen_folds(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(render(reports.all_passed(), title="Feedback"), encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(path.as_uri())
        title = page.get_by_text("Adding a constant to every score changes nothing")
        assert not title.is_visible()
        page.emulate_media(media="print")
        assert title.is_visible()


# ------------------------------------------------------------------------- for everybody, by axe-core


# Of a single character or a symbol axe does not say whether it is text; test_feedback.py has the contrasts.
UNDECIDED = ("shortTextContent", "nonBmp")


def complaints(page: Page) -> list[str]:
    """What axe-core finds wrong on ``page``, or cannot decide, with everything unfolded."""
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    found = Axe().run(page, options={"resultTypes": ["violations", "incomplete"]}).response
    return [
        f"{one['id']}: {node['target']}"
        for one in found["violations"] + found["incomplete"]
        for node in one["nodes"]
        if not any(undecided in json.dumps(node) for undecided in UNDECIDED)
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"]) -> None:
    with browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme) as context:
        page = context.new_page()
        for name, sample in reports.SAMPLES.items():
            path = tmp_path / f"{name}.html"
            path.write_text(render(sample(), title="Attention"), encoding="utf-8")
            page.goto(path.as_uri())
            assert complaints(page) == [], name
        given = {"explain_masking": Given(1.5, 0.5, "See page 3.\n\nAnd 4.", waits=True), "softmax": Given(extra=-0.5)}
        path.write_text(render(reports.mixed(), title="Given", extras=Extras(given, 7500.0, 0.5)), encoding="utf-8")
        page.goto(path.as_uri())
        assert complaints(page) == []


def test_axe_would_find_faults(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    html = (
        render(reports.mixed(), title="Attention").replace(' lang="en"', "").replace("Content-Security-Policy", "X-No")
    )
    path.write_text(html.replace("</style>", "mark { color: #f0a0a0; }</style>"), encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(path.as_uri())
        assert {line.split(":")[0] for line in complaints(page)} == {"html-has-lang", "color-contrast"}


def test_tables_of_tensors_scroll_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(render(reports.mixed(), title="Attention"), encoding="utf-8")
    with browser.new_context(viewport={"width": 240, "height": 800}) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        page.locator(".theirs .scroll").first.focus()
        moved = "new Promise(done => document.activeElement.addEventListener('scroll', () => done('moved')))"
        page.evaluate(f"() => {{ window.moved = {moved} }}")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("window.moved") == "moved"
