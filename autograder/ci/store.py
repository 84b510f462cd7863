"""``python -m autograder.ci.store``: a folder kept from one CI run to the next, as a branch of the course's repository.

Caches and artefacts of CI systems expire, and a lost time of collection would make a punctual student late. A branch
stays, is as private as the course, and only jobs that run no student code may write it. It has one commit, made anew
each time, so that the repository does not grow. Git asks for a password by ``GIT_ASKPASS``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from autograder.text import clean

_PROGRAM = shutil.which("git") or "git"
_NO_SUCH_BRANCH = 2  # of git ls-remote --exit-code


class StoreError(Exception):
    """The branch can be neither read nor written; going on would lose what it holds."""


def restore(repository: Path, remote: str, branch: str, folder: Path) -> bool:
    """Put the files of ``branch`` into ``folder``; whether there is such a branch. Raises ``StoreError``."""
    ref = f"refs/heads/{branch}"
    if not _git(repository, "ls-remote", "--exit-code", remote, ref, may_end_with=_NO_SUCH_BRANCH):
        return False
    _git(repository, "fetch", "--quiet", "--no-tags", "--depth=1", remote, ref)
    with _beside(repository, folder) as place:
        place("read-tree", "FETCH_HEAD")
        place("checkout-index", "--all", "--force")
    return True


def save(repository: Path, remote: str, branch: str, folder: Path) -> None:
    """Make ``branch`` hold the files of ``folder`` and nothing else. Raises ``StoreError``."""
    with _beside(repository, folder) as place:
        place("add", "--all", "--force", ".")
        tree = place("write-tree").decode().strip()
    who = ("-c", "user.name=autograder", "-c", "user.email=autograder@localhost")
    commit = _git(repository, *who, "commit-tree", tree, "-m", f"{folder.name} as of this run").decode().strip()
    _git(repository, "push", "--quiet", "--force", remote, f"{commit}:refs/heads/{branch}")


@contextlib.contextmanager
def _beside(repository: Path, folder: Path) -> Iterator[Callable[..., bytes]]:
    """Git with ``folder`` as its work tree and an index of its own: no attributes of the course change a byte."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="autograder-store-") as place:
        index = {"GIT_INDEX_FILE": f"{place}/index"}
        tree = f"--work-tree={folder.resolve()}"
        yield lambda *arguments: _git(repository, *arguments, before=(tree,), folder=folder, variables=index)


def _git(
    repository: Path,
    *arguments: str,
    before: Sequence[str] = (),
    folder: Path = Path(),
    variables: Mapping[str, str] = {},
    may_end_with: int = 0,
) -> bytes:
    own = (f"--git-dir={repository.resolve()}", *before, "-c", f"core.hooksPath={os.devnull}")
    environment = os.environ | {"GIT_TERMINAL_PROMPT": "0"} | dict(variables)
    done = subprocess.run([_PROGRAM, *own, *arguments], cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode not in (0, may_end_with):
        raise StoreError(clean(f"git {arguments[0]}: {done.stderr.decode('utf-8', 'replace').strip()}", 600))
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """The program: 0 done, 1 the branch can be neither read nor written."""
    parser = argparse.ArgumentParser(prog="python -m autograder.ci.store", description="Keep a folder as a branch.")
    parser.add_argument("action", choices=["restore", "save"])
    parser.add_argument("branch")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--remote", default="origin", help="where the branch is; by default origin")
    parser.add_argument("--repository", type=Path, default=Path(".git"), help="the .git folder of this checkout")
    told = parser.parse_args(arguments)
    try:
        if told.action == "save":
            save(told.repository, told.remote, told.branch, told.folder)
        elif not restore(told.repository, told.remote, told.branch, told.folder):
            sys.stdout.write(f"no branch {told.branch} yet: this is the first run\n")
    except StoreError as error:
        sys.stderr.write(f"error: {told.action} {told.branch}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
