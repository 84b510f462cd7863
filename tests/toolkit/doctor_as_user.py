"""A program that ``test_doctor`` runs as another user: one line per promise."""

from __future__ import annotations

import sys

from autograder.doctor import examine


def _main() -> None:
    for finding in examine():
        sys.stdout.write(f"{'holds' if finding.holds else 'fails'}: {finding.promise}: {finding.means}\n")


if __name__ == "__main__":
    _main()
