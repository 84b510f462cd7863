"""The notebooks of an assignment out of a student's git repository, whatever else is in it.

Nothing is checked out: commits and trees come without files, then those wanted by their names in the tree. So no hook,
filter, submodule or link of the repository is ever followed. Git runs without the user's configuration, prompts
nobody, and is bounded in time, memory and what it may write. Credentials reach it by ``GIT_ASKPASS`` or an ssh agent.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from autograder.collecting.placing import each_by_name
from autograder.errors import NotCollected, UsageError
from autograder.text import clean

SECONDS = 120.0  # for one repository
TRANSFER_BYTES = 256 << 20  # a server that cannot leave files out sends the whole commit
MEMORY_BYTES = 2 << 30
CPU_SECONDS = 60
SAID_BYTES = 8 << 10  # the end of what git says, where its reason stands; servers choose how much comes before

_SCP = re.compile(r"[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:[^\s-][^\s]*")
_REF = re.compile(r"(?!.*(\.\.|@\{|//))[A-Za-z0-9][\w./-]*")
_LFS = b"version https://git-lfs.github.com/spec/"
_KEPT = ("GIT_ASKPASS", "GIT_PASSWORD", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO")
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",  # one pack: the bound on a file is a bound on what is sent
    "gc.auto": "0",
    "http.followRedirects": "false",  # a student's server would choose what the course's password opens
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "maintenance.auto": "false",
    "pack.threads": "1",
}


@dataclass(frozen=True)
class Source:
    """Where a student's notebook is: repository, branch or tag (``""``: the default one), path (``""``: the usual)."""

    student: str
    repository: str
    ref: str = ""
    path: str = ""

    def __post_init__(self) -> None:
        who = f"{self.student}: "
        problem = _url_problem(self.repository)
        if problem:
            raise UsageError(f"{who}repository {clean(self.repository, 200)!r}: {problem}")
        if self.ref and not _REF.fullmatch(self.ref):
            raise UsageError(f"{who}ref {clean(self.ref, 200)!r} is no name of a branch or tag; write it as in 'main'")
        parts = self.path.split("/")
        if self.path and (not self.path.isprintable() or not all(parts) or {".", ".."} & set(parts)):
            raise UsageError(
                f"{who}path {clean(self.path, 200)!r} is no path in a repository; write it as in 'a/b.ipynb'"
            )


def notebooks_of(
    source: Source, topic: str, most_bytes: int, until: datetime | None = None, names: Sequence[str] = ()
) -> tuple[dict[str, bytes], str]:
    """The notebook at the newest commit, by name; with ``until``, at the newest whose own date is no later.

    ``names`` are those of all notebooks where the assignment has several: those that are there, and what to tell of the
    others. Raises ``NotCollected``, which says why, where none can be had that is no larger than ``most_bytes``.
    """
    with tempfile.TemporaryDirectory(prefix="autograder-collect-") as folder:
        repository = _Repository(Path(folder) / "repository.git", source.repository)
        commit = repository.fetch(source.ref or "HEAD", until)
        return each_by_name(
            names or [topic],
            lambda name: repository.first_of(commit, _usual_paths(source, topic, name), most_bytes),
        )


def _usual_paths(source: Source, topic: str, name: str) -> list[str]:
    """Where a notebook may lie: at the path that the roster names, others beside it; else at the usual ones."""
    if not source.path:
        return [f"{name}.ipynb", f"{topic}/{name}.ipynb"]
    if name == topic:
        return [source.path]
    folder, slash, _ = source.path.rpartition("/")
    return [f"{folder}{slash}{name}.ipynb"]


class _Repository:
    """A bare repository of our own that takes from one remote."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._ends = folder, time.monotonic() + SECONDS
        self._run("init", "--quiet", "--bare", "--template=", str(folder))
        self._run("config", "remote.origin.url", url)

    def fetch(self, ref: str, until: datetime | None) -> str:
        """The id of the commit at ``ref``, as of ``until``."""
        self._run("fetch", "--quiet", "--no-tags", "--depth=1", "--filter=blob:none", "origin", ref)
        tip = self._run("rev-parse", "--verify", "FETCH_HEAD^{commit}").decode().strip()
        if until is None or self._dated(tip) <= until.timestamp():
            return tip
        self._run("fetch", "--quiet", "--no-tags", "--unshallow", "--filter=blob:none", "origin", ref)
        age = f"--min-age={int(until.timestamp())}"
        found = self._run("rev-list", "--max-count=1", "--first-parent", age, tip).decode().strip()
        if not found:
            raise NotCollected(f"has no commit up to {until.isoformat(sep=' ')}", answered=True)
        return found

    def _dated(self, commit: str) -> int:
        """When ``commit`` says that it was made, in seconds since 1970."""
        text = self._run("show", "--no-patch", "--format=%ct", commit).decode("ascii", "replace").strip()
        if not text.isdecimal():
            raise NotCollected("its newest commit has no date; it must be committed once more", answered=True)
        return int(text)

    def blob(self, commit: str, path: str) -> str:
        """The id of the file at ``path``, ``""`` where there is nothing; links and submodules are refused."""
        line = self._run("ls-tree", "-z", "--full-tree", commit, "--", path).decode("utf-8", "replace")
        if not line:
            return ""
        mode, _, rest = line.partition(" ")
        kinds = {"120000": "a link", "160000": "a submodule", "040000": "a folder"}
        if mode in kinds:
            raise NotCollected(f"{path} is {kinds[mode]} and no file", answered=True)
        return rest.split()[1]

    def first_of(self, commit: str, paths: Sequence[str], most: int) -> bytes:
        """The file at the first of ``paths`` that is there."""
        for path in paths:
            blob = self.blob(commit, path)
            if blob:
                return self.read(blob, path, most)
        raise NotCollected(f"holds no {' and no '.join(paths)}", answered=True)

    def read(self, blob: str, path: str, most: int) -> bytes:
        """The file's bytes."""
        size = int(self._run("cat-file", "-s", blob))
        if size > most:
            text = f"{path} has {size} bytes; a notebook of this assignment has at most {most}"
            raise NotCollected(text, answered=True)
        data = self._run("cat-file", "blob", blob)
        if data.startswith(_LFS):
            text = f"{path} is a pointer of Git LFS and not the notebook; it must be committed itself"
            raise NotCollected(text, answered=True)
        return data

    def _run(self, *arguments: str) -> bytes:
        place = () if arguments[0] == "init" else (f"--git-dir={self._folder}",)
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = ["/bin/sh", "-c", _limited(), "sh", git_program(), *place, *settings, *arguments]
        with (
            self._folder.with_name("said").open("w+b") as said,  # a file, whose size is bounded as all that git writes
            subprocess.Popen(
                command,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
            ) as process,
        ):
            try:
                out, _ = process.communicate(timeout=max(0.1, self._ends - time.monotonic()))
            except subprocess.TimeoutExpired as error:
                raise NotCollected(f"took more than {SECONDS:g} s") from error
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # its helpers for https and ssh, too
            if process.returncode:
                said.seek(max(0, said.seek(0, os.SEEK_END) - SAID_BYTES))
                raise _complaint(arguments[0], process.returncode, said.read(SAID_BYTES))
        return out


def git_program() -> str:
    """Git's path; raises ``UsageError`` where there is none."""
    found = shutil.which("git")
    if found is None:
        raise UsageError("collect --git needs git, and there is none on the PATH; install it")
    return found


def _environment() -> dict[str, str]:
    """The caller's environment without git's variables, but for those by which a password or a key comes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT}
    return kept | {
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        # Without these, ssh asks the terminal, which in CI nobody reads.
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
    }


def _limited() -> str:
    """A shell's line that runs its arguments within bounds; code between fork and exec is not safe beside threads."""
    bounds = (f"ulimit -f {TRANSFER_BYTES // 512}", f"ulimit -t {CPU_SECONDS}", f"ulimit -v {MEMORY_BYTES // 1024}")
    return "; ".join(("ulimit -c 0", *bounds, 'exec "$@"'))


def _complaint(action: str, code: int, err: bytes) -> NotCollected:
    if code == -signal.SIGXFSZ or b"invalid index-pack output" in err:  # what git makes of a helper at a bound
        text = f"its commit holds more than the {TRANSFER_BYTES >> 20} MiB that may be sent, or is damaged"
        return NotCollected(text, answered=True)
    if re.search(rb"returned error: 30\d", err):
        return NotCollected("its server sends on to another address, which is not followed; put that in the roster")
    lines = [line for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
    text = clean(f"git {action}: {' '.join(telling[:2]) or f'ended with {code}'}", 300)
    return NotCollected(text, answered=b"find remote ref" in err)  # an empty repository, or no such branch


def _url_problem(url: str) -> str:
    """What is wrong with the address of a repository, with the way out; ``""`` where nothing is."""
    kinds = "write https://HOST/..., ssh://..., git@HOST:..., file:///... or a path from /"
    if url.startswith("-") or not url.isprintable() or " " in url or "::" in url.partition("/")[0]:
        return f"is no address of a repository; {kinds}"
    if url.startswith("/") or _SCP.fullmatch(url):
        return ""
    try:
        parts = urlsplit(url)
        user, host = parts.username, parts.hostname or ""
    except ValueError:
        return f"is no address of a repository; {kinds}"
    if parts.scheme not in ("https", "ssh", "file"):
        return f"only https, ssh and file are spoken; {kinds}"
    if parts.password or (user and parts.scheme == "https"):
        return "holds a name or a password; leave it out and let git ask for it by GIT_ASKPASS"
    if (not host and parts.scheme != "file") or host.startswith("-") or (user or "").startswith("-"):
        return f"has no host; {kinds}"
    return ""
