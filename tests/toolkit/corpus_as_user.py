"""A program that ``test_hostile_hosts`` runs on other hosts: grades tricks of the corpus, one JSON line each.

Its argument says which: ``1/3`` is every third one from the second on.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from autograder.provenance import Options
from autograder.runner import Grader
from tests.toolkit.handed_in import RIGHT
from tests.toolkit.test_hostile import TRICKS, WRONG, automatic, grade
from tests.toolkit.tiny import TOPIC, tiny_course


def _main() -> None:
    first, step = map(int, sys.argv[1].split("/"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Grader(tiny_course(folder), TOPIC, Options(explain=False)) as grader:
            for trick in TRICKS[first::step]:
                report = grade(grader, folder, trick.cells(), **trick.limits)
                _say(
                    trick.name, report.score, automatic(report), report.message, *(cell.status for cell in report.cells)
                )
            for cells in ([RIGHT], [WRONG]):
                report = grade(grader, folder, cells)
                _say("control", report.score, automatic(report), report.message)


def _say(*found: object) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main()
