"""Bare git repositories as students have them: a branch, commits of given files with given dates."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a student",
    "GIT_AUTHOR_EMAIL": "student@example.org",
    "GIT_COMMITTER_NAME": "a student",
    "GIT_COMMITTER_EMAIL": "student@example.org",
}
Entry = bytes | tuple[str, str]  # a file's bytes, or a mode and an object or link target


def git(repository: Path, *arguments: str, data: bytes = b"", variables: Mapping[str, str] = {}) -> str:
    """What git prints in ``repository``."""
    command = ["git", "-C", str(repository), *arguments]
    done = subprocess.run(
        command, input=data, capture_output=True, check=False, env=os.environ | ENVIRONMENT | dict(variables)
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def bare(folder: Path) -> Path:
    """An empty bare repository that lets files be left out, as the large servers do."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
    git(folder, "config", "uploadpack.allowFilter", "true")
    return folder


def push(
    repository: Path, files: Mapping[str, Entry], date: str = "2026-11-01T12:00:00+0000", branch: str = "main"
) -> str:
    """A commit of ``files`` alone on top of ``branch``; returns its id.

    ``("120000", TARGET)`` is a link, ``("160000", ID)`` a submodule.
    """
    index = {"GIT_INDEX_FILE": str(repository / "test-index")}
    (repository / "test-index").unlink(missing_ok=True)
    for path, entry in files.items():
        mode, blob = ("100644", "") if isinstance(entry, bytes) else entry
        if mode != "160000":
            content = entry if isinstance(entry, bytes) else blob.encode()
            blob = git(repository, "hash-object", "-w", "--stdin", data=content)
        git(repository, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", variables=index)
    tree = git(repository, "write-tree", variables=index)
    known = git(repository, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
    parents = ["-p", known] if known else []
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    commit = git(repository, "commit-tree", tree, *parents, "-m", "work", variables=dates)
    git(repository, "update-ref", f"refs/heads/{branch}", commit)
    return commit
