"""A program that ``test_doctor`` runs on other hosts: one line per promise, and what grading says.

Arguments are folders to hide.
"""

from __future__ import annotations

import sys
from pathlib import Path

from autograder.doctor import examine
from autograder.errors import IsolationError
from autograder.sandbox.process import Sandbox


def _main() -> None:
    hidden = tuple(map(Path, sys.argv[1:]))
    for finding in examine(hidden).findings:
        sys.stdout.write(f"{'holds' if finding.holds else 'fails'}: {finding.promise}: {finding.means}\n")
    with Sandbox("sandbox", hidden=hidden) as sandbox:
        try:
            sandbox.wait_ready()
        except IsolationError as error:
            sys.stdout.write(f"{type(error).__name__} {error}\n")


if __name__ == "__main__":
    _main()
