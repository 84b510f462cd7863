"""Opens nbgrader's database, makes a new one whole, and says what is wrong with one that cannot be used."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from nbgrader import dbutil
from nbgrader.api import Base, Course, Gradebook
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from autograder.errors import UsageError

WAIT_SECONDS = 30.0  # for another writer to finish, or for a server to take a connection
PAUSES = (0.0, 1.0, 4.0, 15.0)  # seconds before another attempt: a server that is restarted is back by then
_DRIVERS = ("psycopg", "psycopg2")
_CREATING = 0x6772616465  # names the lock under which a server's tables are made

Found = TypeVar("Found")


def open_gradebook(db_url: str, course_id: str) -> Any:
    """The ``Gradebook`` at ``db_url``, made where there is none; raises ``UsageError`` where that cannot be."""
    try:
        url = _complete(make_url(db_url), db_url)
        _require_tables(url, db_url, course_id)
        return Gradebook(url.render_as_string(hide_password=False), course_id)
    except (ArgumentError, NoSuchModuleError, ImportError, DBAPIError) as error:
        raise unusable(db_url, error) from error


def committed(session: Any, db_url: str, work: Callable[[], Found]) -> Found:
    """What ``work`` gives, done in one transaction; done again where the connection broke or another writer won.

    Raises ``UsageError`` where the database refuses; nothing is changed then.
    """
    pauses = iter(PAUSES)
    while True:
        try:
            limit_waiting(session)
            found = work()
            session.commit()
        except (DBAPIError, StaleDataError) as error:
            pause = next(pauses, None)
            if pause is None or not passing(error):
                raise unusable(db_url, error) from error
        else:
            return found
        finally:
            session.rollback()
        time.sleep(pause)


def limit_waiting(session: Any) -> None:
    """Let the transaction that begins give up on a row that another one keeps; SQLite's connection does already."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))


def passing(error: Exception) -> bool:
    """Whether another attempt may do: the connection broke, or another writer was faster."""
    if isinstance(error, (IntegrityError, StaleDataError)) or getattr(error, "connection_invalidated", False):
        return True
    if not isinstance(error, OperationalError):
        return False
    # A server's own errors have a code: 08 a connection, 40 a deadlock, 57 a shutdown. A lost connection has none.
    code = getattr(error.orig, "sqlstate", getattr(error.orig, "pgcode", "no server"))
    return code is None or code[:2] in ("08", "40", "57")


def unusable(db_url: str, error: Exception | str) -> UsageError:
    """What to tell the user about a database ``error``."""
    reason = " ".join(str(getattr(error, "orig", None) or error).split()).removesuffix(".")
    if "is full" in reason or "No space left" in reason:
        return UsageError(f"the gradebook {_shown(db_url)} cannot be written: the disk is full ({reason})")
    return UsageError(
        f"the gradebook {_shown(db_url)} cannot be used: {reason}. Is the URL right, and the database there and free?"
    )


def sqlite_file(session: Any) -> Path | None:
    """The file that an SQLite ``session`` writes to; ``None`` for a server or memory."""
    url = session.get_bind().url
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(url.database).resolve()


def _complete(url: URL, db_url: str) -> URL:
    """``url`` with a driver that is installed and a limit on waiting."""
    if url.get_backend_name() == "sqlite":
        return url.update_query_dict({"timeout": str(WAIT_SECONDS)})
    if url.get_backend_name() != "postgresql":
        return url
    if url.drivername == "postgresql":
        driver = next((name for name in _DRIVERS if find_spec(name)), None)
        if driver is None:
            raise UsageError(
                f"the gradebook {_shown(db_url)} needs a driver for PostgreSQL: pip install 'autograder[postgresql]'"
            )
        url = url.set(drivername=f"postgresql+{driver}")
    return url.set(query={"connect_timeout": str(round(WAIT_SECONDS)), **url.query})


# ------------------------------------------------------------------------------------------- tables


def _require_tables(url: URL, db_url: str, course_id: str) -> None:
    """Make the tables of a new gradebook; refuse one that is none or is another nbgrader's."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            problem = _problem(connection)
            missing = _is_missing(connection)
        if problem:
            raise UsageError(f"the gradebook {_shown(db_url)} cannot be used: {problem}")
        if missing:
            with engine.begin() as connection:
                _keep_others_off(connection)
                if _is_missing(connection):
                    _create(connection, course_id)
    finally:
        engine.dispose()


def _is_missing(connection: Connection) -> bool:
    return not inspect(connection).has_table("alembic_version")


def _problem(connection: Connection) -> str:
    """What keeps the tables that are there from being a gradebook of this nbgrader; nothing for none at all."""
    inspector, wanted = inspect(connection), Base.metadata.tables
    found = inspector.get_table_names()
    if found and not set(wanted) & set(found):
        some = ", ".join(sorted(found)[:3])
        return f"it is no gradebook but holds other tables ({some}); give the gradebook a database of its own"
    for table in sorted(set(wanted) & set(found)):
        columns = {column["name"] for column in inspector.get_columns(table)}
        lacking = sorted(set(wanted[table].columns.keys()) - columns)
        if lacking:
            return (
                f"its table {table!r} has no column {lacking[0]!r}. If an older nbgrader made it, save a copy and run: "
                "nbgrader db upgrade; otherwise give the gradebook a database of its own"
            )
    return ""


def _keep_others_off(connection: Connection) -> None:
    """One maker of tables at a time, all of them or none: neither SQLite nor a server promises that by itself."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # Python's driver would begin at the first row only
    elif connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_CREATING})"))


def _create(connection: Connection, course_id: str) -> None:
    """All tables at once: nbgrader itself calls ``alembic`` by name half-way."""
    Base.metadata.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": _newest_version()})
    courses = Course.metadata.tables[Course.__tablename__]
    if connection.execute(courses.select().filter_by(id=course_id)).first() is None:
        connection.execute(courses.insert().values(id=course_id))


def _newest_version() -> str | None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - only a new gradebook needs it

    return ScriptDirectory(dbutil.ALEMBIC_DIR).get_current_head()


def _shown(db_url: str) -> str:
    with contextlib.suppress(ArgumentError):
        return make_url(db_url).render_as_string(hide_password=True)
    return repr(db_url)
