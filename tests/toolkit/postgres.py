"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket, as an ordinary user."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from psycopg import sql
from pytest_postgresql.janitor import DatabaseJanitor

OWNER = "postgres"  # the user of Debian's package; the server refuses to run as root
PORT = 5432  # only names the socket

# What is lost when the machine stops may be lost; what was committed before the server stopped may not.
CAREFREE = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "listen_addresses=")


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; ``None`` where it is not installed. Debian keeps them off the PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


def as_owner() -> dict[str, Any]:
    """What makes a child process of root's the owner's; nothing for an ordinary user."""
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam(OWNER)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


class Server:
    """A server that can be stopped and started; every database on it is a test's own."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder, self._bin = folder, bin_folder
        self._data = folder / "data"
        self._call("initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", f"--username={OWNER}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = " ".join(f"-c {option}" for option in (*CAREFREE, f"unix_socket_directories={self.folder}"))
        self._call("pg_ctl", "--silent", "--wait", f"--log={self.folder / 'log'}", f"--options={options}", "start")

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop it; ``immediate`` is a crash: connections are cut, and the next start recovers."""
        self._call("pg_ctl", "--silent", "--wait", f"--mode={mode}", "stop")

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), f"--pgdata={self._data}", *arguments]
        # Not captured by a pipe: the server would hold it open for as long as it lives.
        with (self.folder / "output").open("w+b") as output:
            done = subprocess.run(
                command,
                **as_owner(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                timeout=120,
            )
        assert done.returncode == 0, (self.folder / "output").read_text(encoding="utf-8")

    # ------------------------------------------------------------------------------------- databases

    def janitor(self, name: str, template: str | None = None) -> DatabaseJanitor:
        """What creates and drops the database ``name``."""
        return DatabaseJanitor(
            user=OWNER, host=str(self.folder), port=PORT, dbname=name, template_dbname=template, connection_timeout=30
        )

    def url(self, name: str) -> str:
        """The database ``name`` as nbgrader's configuration would name it."""
        return f"postgresql://{OWNER}@/{name}?host={self.folder}&port={PORT}"

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """The URL of a fresh database, dropped afterwards with whoever is still connected."""
        name = f"test_{secrets.token_hex(6)}"
        with self.janitor(name, template):
            yield self.url(name)

    def cut_connections(self, url: str) -> int:
        """End every connection to the database at ``url``, as an administrator would; how many there were."""
        name = url.split("?", maxsplit=1)[0].rpartition("/")[2]
        query = sql.SQL("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = {}")
        with self.janitor(name).cursor() as cursor:
            (count,) = cursor.execute(query.format(name)).fetchone() or (0,)
        return int(count)


# Waits for the end of its input, which comes with the test run's end, however that ends.
GUARD = 'cat; "$0" --pgdata="$1/data" --silent --mode=immediate stop; rm -rf "$1"'


@contextmanager
def running_server() -> Iterator[Server]:
    """A fresh server; there must be one to run. It goes with the test run, even with one that is killed."""
    bin_folder = programs()
    assert bin_folder is not None
    # Not below pytest's folders: the way there is closed to other users, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="autograder-postgres-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, OWNER)
    command = ["sh", "-c", GUARD, str(bin_folder / "pg_ctl"), str(folder)]
    with subprocess.Popen(
        command, **as_owner(), cwd="/", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    ):  # leaving it closes the pipe and waits
        server = Server(folder, bin_folder)
        server.start()
        yield server
