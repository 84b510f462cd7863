"""Opens nbgrader's database, and makes a new one whole."""

from __future__ import annotations

import contextlib
from typing import Any

from nbgrader import dbutil
from nbgrader.api import Base, Gradebook
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

from autograder.errors import UsageError

LOCK_SECONDS = 30  # how long to wait for another writer of an SQLite file


def open_gradebook(db_url: str, course_id: str) -> Any:
    """The ``Gradebook`` at ``db_url``, made where there is none; raises ``UsageError`` where that cannot be."""
    try:
        url = make_url(db_url)
        if url.get_backend_name() == "sqlite":
            url = url.update_query_dict({"timeout": str(LOCK_SECONDS)})
        _create_tables(url)
        return Gradebook(url.render_as_string(hide_password=False), course_id)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, OperationalError) as error:
        raise unusable(db_url, error) from error


def unusable(db_url: str, error: Exception) -> UsageError:
    """What to tell the user about a database ``error``."""
    reason = getattr(error, "orig", None) or error
    return UsageError(
        f"the gradebook {_shown(db_url)} cannot be used: {reason}. Is the URL right, and the database there "
        "and free? After an upgrade of nbgrader, save a copy and run: nbgrader db upgrade"
    )


def _create_tables(url: Any) -> None:
    """Make the tables of a new gradebook. nbgrader would, but calls ``alembic`` by name half-way."""
    engine = create_engine(url)
    try:
        if not inspect(engine).has_table("alembic_version"):
            with engine.begin() as connection:
                Base.metadata.create_all(connection)
                connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
                connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": _newest_version()})
    finally:
        engine.dispose()


def _newest_version() -> str | None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - only a new gradebook needs it

    return ScriptDirectory(dbutil.ALEMBIC_DIR).get_current_head()


def _shown(db_url: str) -> str:
    with contextlib.suppress(ArgumentError):
        return make_url(db_url).render_as_string(hide_password=True)
    return repr(db_url)
