"""What many tests start: a browser, and databases of the gradebook."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.toolkit.postgres import Server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium, for tests with the marker ``browser``."""
    from tests.toolkit.chromium import launched

    with launched() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A running PostgreSQL server; a test that asks for it is skipped where there is none, and fails in CI."""
    lacking = _lacking()
    if lacking and os.environ.get("CI"):
        pytest.fail(lacking)
    if lacking:
        pytest.skip(lacking)
    from tests.toolkit.postgres import running_server

    with running_server() as server:
        yield server


def _lacking() -> str:
    if find_spec("psycopg") is None or find_spec("pytest_postgresql") is None:
        return "needs psycopg and pytest-postgresql: pip install -e '.[dev]'"
    from tests.toolkit.postgres import programs

    return "" if programs() else "needs PostgreSQL: apt-get install postgresql"


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a gradebook that is not there yet, on each kind of database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/gradebook.db"
        return
    server: Server = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url
