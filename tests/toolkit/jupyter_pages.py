"""A Jupyter server of its own, and Chromium to open its pages with."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.toolkit.chromium import launched
from tests.toolkit.command_line import QUICK, environment

PATIENCE = 120_000  # milliseconds after which a page is taken to hang; nothing waits for as long as works
TOKEN = "pages-of-this-test"  # noqa: S105 - of a server that this machine alone can reach
SCREENSHOTS = "AUTOGRADER_SCREENSHOTS"
_SERVER = f"{QUICK}from jupyter_server.serverapp import main; main()"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/")
# Nothing but this machine has a name; pages that ask others must do without, as in an exam room.
ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@dataclass(frozen=True)
class Pages:
    """A page of one browser, on one server that shows the folder ``root``; pictures go to ``screenshots``."""

    root: Path
    address: str
    page: Page
    screenshots: Path

    def open(self, path: str) -> Page:
        """Go to ``path`` below the server's address."""
        self.page.goto(self.address + path)
        return self.page

    def picture(self, name: str, part: Locator | None = None) -> None:
        """A picture of the whole page for people to look at, scrolled to ``part``."""
        if part is not None:
            part.scroll_into_view_if_needed()
        self.page.screenshot(path=self.screenshots / f"{name}.png", full_page=True)


@contextlib.contextmanager
def opened_pages(root: Path, own: Path, extensions: tuple[str, ...]) -> Iterator[Pages]:
    """Chromium on a Jupyter server for ``root`` with these of its extensions; ``own`` holds what either keeps."""
    expect.set_options(timeout=PATIENCE)
    screenshots = Path(os.environ.get(SCREENSHOTS, own / "screenshots"))
    view: ViewportSize = {"width": 1280, "height": 900}
    with (
        running_server(root, own, extensions) as address,
        launched(ALONE) as browser,
        browser.new_context(viewport=view) as context,
    ):
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(f"{address}login?token={TOKEN}")
        yield Pages(root, address, page, screenshots)


@contextlib.contextmanager
def running_server(root: Path, own: Path, extensions: tuple[str, ...]) -> Iterator[str]:
    """The address of a Jupyter server started in ``root``, on a port that was free."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    folders = {name: str(own / name.lower()) for name in names}
    options: dict[str, object] = {"ip": "127.0.0.1", "port": 0, "open_browser": False, "allow_root": True}
    options["root_dir"] = root
    options["jpserver_extensions"] = dict.fromkeys(extensions, True)
    arguments = [f"--ServerApp.{name}={value}" for name, value in options.items()]
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, *arguments, f"--IdentityProvider.token={TOKEN}"],
        cwd=root,
        env=environment(HOME=str(own), **folders),
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        log, said = server.stderr, list[str]()
        assert log is not None
        for line in log:
            said.append(line)
            if found := _ADDRESS.search(line):
                break
        else:
            raise AssertionError("the Jupyter server did not start:\n" + "".join(said))
        draining = threading.Thread(target=said.extend, args=[log])
        draining.start()
        try:
            yield found[0]
        except BaseException as error:
            error.add_note("".join(said[-60:]))
            raise
        finally:
            server.terminate()
            draining.join()
