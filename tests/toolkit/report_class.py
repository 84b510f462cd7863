"""A class of any size as grade reports: students of different ability at questions of different difficulty."""

from __future__ import annotations

import math
import random

from autograder.model import Flag, GradeReport, TestRecord, Verdict, Versions
from tests.toolkit.reports import PROVENANCE, manual_question, question, record, report

QUESTIONS = (
    "softmax",
    "scaled_dot_product_attention",
    "multi_head_attention",
    "causal_mask",
    "positional_encoding",
    "luong_scores",
    "bahdanau_scores",
)
TESTS = 6  # of each question
HINTS = ("no_max_subtraction", "forgot_to_scale", "mask_before_softmax", "heads_not_split")


def synthetic_class(students: int, *, topic: str = "attention", seed: int = 1) -> list[GradeReport]:
    """The reports of ``students``, by student, the same for the same ``seed``.

    One test is passed by everybody, one by nobody, one more often by the weaker half. Some students hand in no
    notebook, some hand in an empty one, and the grader fails at one.
    """
    draw = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    return [_student(f"student{number:04}", number, draw, topic) for number in range(students)]


def _student(name: str, number: int, draw: random.Random, topic: str) -> GradeReport:
    ability = draw.gauss(0.6, 1.0)
    whole = {7: Verdict.INVALID_SUBMISSION, 8: Verdict.MISSING, 9: Verdict.GRADER_ERROR}.get(number % 40)
    if number == 9:
        whole = None  # one failure of the grader in forty students is enough, and small classes go without
    questions = [
        question(name, *(_test(ability, q, t, draw, whole) for t in range(TESTS))) for q, name in enumerate(QUESTIONS)
    ]
    torch = "2.12.1" if number % 97 == 0 and number else "2.13.0"
    versions = Versions(python="3.11.2", torch=torch, autograder="0.1.0", hypothesis="6.170.15")
    provenance = PROVENANCE.__class__(
        **{f: getattr(PROVENANCE, f) for f in PROVENANCE.__struct_fields__ if f not in ("seconds", "versions")},
        seconds=round(math.exp(draw.gauss(-0.3, 0.9)), 3),
        versions=versions,
    )
    flag = Flag(kind="source", detail="the name softmax stands in the notebook; no graded call was seen to use it")
    return report(
        *questions,
        manual_question(),
        student=name,
        assignment=topic,
        provenance=provenance,
        flags=(flag,) if draw.random() < 0.06 else (),
        message="the file is not JSON: line 1, column 1" if whole is Verdict.INVALID_SUBMISSION else "",
    )


def _test(ability: float, q: int, t: int, draw: random.Random, whole: Verdict | None) -> TestRecord:
    easiness = {(0, 0): 99.0, (6, 5): -99.0, (3, 4): 0.5 - 2 * ability}.get((q, t), 1.5 - 0.4 * q - 0.3 * t)
    passed = draw.random() < 1 / (1 + math.exp(-easiness - ability))
    known = HINTS[q % len(HINTS)] if draw.random() < 0.4 and q < 5 else None
    verdict = whole or (Verdict.PASSED if passed else draw.choices((Verdict.FAILED, Verdict.ERROR), (4, 1))[0])
    wrong = verdict is Verdict.FAILED and known
    return record(
        verdict,
        name=f"test_{QUESTIONS[q]}_{t}",
        title=f"Promise {t} of `{QUESTIONS[q]}` holds for every input.",
        hint=f"A hint about `{known}`: look at the order of the steps once more." if wrong else None,
        misconception=known if wrong else None,
    )
