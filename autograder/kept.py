"""What of an earlier report still stands: after an edit of hidden tests, the questions that it does not touch.

A question is graded again as a whole where one of its tests, or an example of one, is not what it was. Nothing is
kept of a submission that died or ran out of time in some test: the rest of it may have been graded under what that
left. Where no test is another one, everything stands, but what waits for this device.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from autograder.model import GradeReport, TestRecord, Verdict, records_of

if TYPE_CHECKING:
    from autograder.suite import Suite  # imports torch: what recognises an unchanged class does without

# Verdicts that cost a submission its process, and so some of what it may use in all.
DEADLY = frozenset({Verdict.CRASHED, Verdict.MEMORY, Verdict.TIMEOUT, Verdict.PROTOCOL})
_WHOLE = DEADLY | {Verdict.GRADER_ERROR, Verdict.INVALID_SUBMISSION}


def marks_of(suite: Suite, examples: Mapping[str, Sequence[bytes]]) -> dict[str, str]:
    """Per test, a digest of all that decides it beside the submission and the reference."""
    marks = {}
    for test in suite.tests:
        digest = hashlib.sha256(test.digest.encode())
        for data in examples[test.name]:
            digest.update(hashlib.sha256(data).digest())
        marks[test.name] = digest.hexdigest()
    return marks


def kept_records(
    earlier: GradeReport | None, suite: Suite, marks: Mapping[str, str], device: str = "cpu"
) -> dict[str, TestRecord]:
    """Records of ``earlier``, by test, of the questions whose tests are all still the same.

    Where none is edited, all of them but those that waited for ``device``.
    """
    if earlier is None:
        return {}
    had = {record.name: record for record in records_of(earlier)}
    deferred = {name for name, record in had.items() if record.verdict is Verdict.DEFERRED}
    waiting = {test.name for test in suite.tests if test.name in deferred and test.question.runs_on(device)}
    if marks == {name: record.sha256 for name, record in had.items()}:
        return {name: record for name, record in had.items() if name not in waiting}
    if any(record.verdict in _WHOLE for record in had.values()):
        return {}
    wanted: dict[str, dict[str, str]] = {}
    for test in suite.tests:
        wanted.setdefault(test.question.name, {})[test.name] = marks[test.name]
    return {
        record.name: record
        for question in earlier.questions
        if wanted.get(question.name) == {record.name: record.sha256 for record in question.tests}
        for record in question.tests
    }


def edited_tests(earlier: GradeReport, report: GradeReport) -> list[str]:
    """Names of tests that are new, gone or not the same; none where ``earlier`` does not say what its tests were."""
    before, now = ({record.name: record.sha256 for record in records_of(each)} for each in (earlier, report))
    if not all(before.values()):
        return []
    return [name for name in dict.fromkeys([*now, *before]) if before.get(name) != now.get(name)]
