"""CPU and wall time of grading one right submission of each assignment, every example run, in the sandbox.

    python benchmarks/cost_per_topic.py [TOPIC ...] [--repeat 4]

A grading process with its zygote grades the model solution once, then several times more; the difference is what one
more submission costs, the student process included. Examples are drawn beforehand.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from autograder.course import Course
from autograder.model import Submission, Verdict
from autograder.provenance import Options
from autograder.runner import Grader
from autograder.specimens import Workbook, notebook_bytes
from autograder.suite import collect

MOST_CPU_SECONDS = 3.0  # what an instructor is promised


def cpu_seconds() -> float:
    """CPU time of this process and of all its descendants that have ended."""
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def measure(course: Course, topic: str, path: Path, times: int) -> tuple[float, float]:
    """CPU and wall seconds of a grading process that grades ``path`` so many times, its start left out of the wall."""
    before = cpu_seconds()
    with Grader(course, topic, Options()) as grader:
        grader.wait_ready()
        clock = time.perf_counter()
        for _ in range(times):
            report = grader.grade(Submission(student="one", assignment=topic, path=path))
            if report.verdict is not Verdict.PASSED:
                raise SystemExit(f"{topic}: the model solution ends as {report.verdict}")
        wall = time.perf_counter() - clock
    return cpu_seconds() - before, wall


def main() -> None:
    """Print a row for each assignment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topics", nargs="*")
    parser.add_argument("--repeat", type=int, default=4, help="submissions graded beyond the first")
    arguments = parser.parse_args()
    course = Course.find(Path(__file__).parent)
    print(f"{'assignment':<20}{'tests':>6}{'examples':>10}{'CPU s':>8}{'wall s':>8}")
    for topic in arguments.topics or course.topics():
        assignment = course.assignment(topic)
        suite = collect(course, assignment)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "one" / f"{topic}.ipynb"
            path.parent.mkdir()
            path.write_bytes(notebook_bytes(Workbook.of(course, assignment, suite).filled_in()))
            with Grader(course, topic, Options()) as grader:
                examples = sum(map(len, grader.examples.values()))
            once = measure(course, topic, path, 1)
            more = measure(course, topic, path, 1 + arguments.repeat)
        cpu, wall = ((b - a) / arguments.repeat for a, b in zip(once, more, strict=True))
        verdict = "" if cpu <= MOST_CPU_SECONDS else f"  more than {MOST_CPU_SECONDS:g} s"
        print(f"{topic:<20}{len(suite.tests):>6}{examples:>10}{cpu:>8.2f}{wall:>8.2f}{verdict}", flush=True)


if __name__ == "__main__":
    main()
