"""The parts of ``gpu_check``: grades beside those of a CPU, tricks, what waits for a GPU, speed and memory."""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import nbformat

from autograder import doctor
from autograder.course import CONFIG_NAME, Course
from autograder.gpu import find, problem_without_asking
from autograder.model import GradeReport, records_of
from autograder.release.files import read_tree, write_tree
from autograder.samples import Material, sample_class
from autograder.specimens import Workbook
from autograder.suite import collect
from benchmarks import classes, gpu_corpus
from benchmarks.measure import ROOT, BenchmarkError, commands_environment, machine

AT_ONCE = (1, 2, 4, 8)
CLASS = 24  # submissions for each figure of speed
POLL_SECONDS = 0.2


@dataclass
class Part:
    """What one part found: whether all is as it should be, and what a reader should see."""

    name: str
    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


def check(chosen: argparse.Namespace) -> int:
    """Do every part, write the report after each, and say whether all is as it should be."""
    card = find()
    if card is None and not chosen.rehearse:
        why = problem_without_asking() or "torch finds no GPU that it can use"
        print(f"no GPU here ({why}); --rehearse tries this program on the CPU", file=sys.stderr)
        return 2
    device = "cpu" if chosen.rehearse else "cuda"
    begun, parts = time.monotonic(), list[Part]()
    chosen.output.mkdir(parents=True, exist_ok=True)
    works: list[tuple[str, Callable[[Path, Part], None]]] = [
        ("isolation", isolation),
        ("tricks", lambda folder, part: tricks(folder, part, device)),
        ("waiting for a GPU", lambda folder, part: waiting(folder, part, device)),
        ("speed", lambda folder, part: speed(folder, part, device)),
        *((f"grades of {topic}", grades_of(topic, device, chosen.students)) for topic in _topics(chosen)),
    ]
    for name, work in works:
        part = Part(name)
        parts.append(part)
        if time.monotonic() - begun > chosen.seconds:
            part.wrong.append("not done: the time was up")
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        with _timed(part), tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
            work(Path(folder), part)
        write(chosen.output, parts, card.name if card else "no GPU: a rehearsal on the CPU")
    write(chosen.output, parts, card.name if card else "no GPU: a rehearsal on the CPU")
    print((chosen.output / "gpu-check.md").read_text(encoding="utf-8"))
    return 1 if any(part.wrong for part in parts) else 0


def _topics(chosen: argparse.Namespace) -> Sequence[str]:
    return chosen.topic or Course(ROOT).topics()


@contextlib.contextmanager
def _timed(part: Part) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the other parts are worth having
        part.wrong.append(f"{type(error).__name__}: {error}")
    part.seconds = round(time.monotonic() - started, 1)


def grade(folder: Path, topic: str, *options: str, seconds: float = 600.0) -> dict[str, GradeReport]:
    """``autograder grade`` in a process of its own: reports by student. Raises ``BenchmarkError`` with its words."""
    command = [sys.executable, "-m", "autograder", "grade", topic, "--db", "none", *options]
    place = {"cwd": folder, "env": commands_environment()}
    try:
        done = subprocess.run(command, **place, capture_output=True, text=True, timeout=seconds, check=False)  # type: ignore[call-overload]
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"{' '.join(command)} was not over after {seconds:g} s") from error
    reports = folder / (options[options.index("--results") + 1] if "--results" in options else "results") / topic
    found = {path.stem: GradeReport.from_json(path.read_bytes()) for path in sorted(reports.glob("*.json"))}
    if done.returncode not in (0, 1) or not found:
        raise BenchmarkError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return found


# ------------------------------------------------------------------------------------------ parts


def isolation(folder: Path, part: Part) -> None:
    """What the doctor finds."""
    found = doctor.examine((folder,))
    part.lines += [f"- {'holds' if each.holds else 'FAILS'}: {each.promise} ({each.means})" for each in found.findings]
    part.lines += [f"- {name}: {value}" for name, value in doctor.machine(found.tier).items()]
    part.wrong += [each.promise for each in found.findings if not each.holds]


def grades_of(topic: str, device: str, most: int) -> Callable[[Path, Part], None]:
    """Grade the sample class of an assignment on both devices; the grades must be equal."""

    def work(folder: Path, part: Part) -> None:
        course = _sample_course(folder, topic, most)
        started = time.monotonic()
        host = grade(course.root, topic, "--device", "cpu", "--results", "on-cpu")
        between = time.monotonic()
        there = grade(course.root, topic, "--device", device, "--results", "on-gpu")
        part.figures = {"cpu": round(between - started, 1), device: round(time.monotonic() - between, 1)}
        for student, one in host.items():
            part.wrong += _differences(student, one, there[student])
        part.lines.append(
            f"{len(host)} submissions: {part.figures['cpu']} s on the CPU, {part.figures[device]} s there"
        )

    return work


def _sample_course(folder: Path, topic: str, most: int) -> Course:
    course = Course(folder / "course")
    for name in ("reference", "assignments", "tests/hidden", "release"):
        write_tree(course.root / name, read_tree(ROOT / name))
    shutil.copy(ROOT / CONFIG_NAME, course.root)
    assignment = course.assignment(topic)
    suite = collect(course, assignment)
    released = nbformat.read(assignment.release_folder / f"{topic}.ipynb", as_version=nbformat.NO_CONVERT)
    samples = sample_class(Material(course, assignment, suite, Workbook.of(assignment, suite), released))
    for sample in samples[: most or None]:
        path = course.submitted / sample.student / topic / (sample.filename or f"{topic}.ipynb")
        path.parent.mkdir(parents=True)
        path.write_bytes(sample.notebook)
    return course


def _differences(student: str, one: GradeReport, other: GradeReport) -> Iterator[str]:
    theirs = {record.name: record for record in records_of(other)}
    for record in records_of(one):
        again = theirs[record.name]
        if record.points is not None and record.points != again.points:
            yield (
                f"{student}, {record.name}: {record.verdict} on the CPU, {again.verdict} on the GPU "
                f"({again.message.splitlines()[0] if again.message else ''})"
            )


def tricks(folder: Path, part: Part, device: str) -> None:
    """Each trick by itself, an honest notebook after it."""
    course = gpu_corpus.gpu_course(folder / "course")
    for trick in gpu_corpus.TRICKS:
        if device == "cpu" and trick.name != "honest":
            continue
        started = time.monotonic()
        shutil.rmtree(course.submitted, ignore_errors=True)
        gpu_corpus.hand_in(course, "a-trick", trick.answer)
        gpu_corpus.hand_in(course, "b-honest", gpu_corpus.HONEST)
        reports = grade(course.root, gpu_corpus.TOPIC, "--device", device, "--jobs", "1", "--force", seconds=300)
        took = time.monotonic() - started
        part.wrong += list(_unexpected(trick, reports, device))
        if took > trick.seconds:
            part.wrong.append(f"{trick.name}: over after {took:.0f} s, not within {trick.seconds:.0f}")
        verdicts = {record.name: str(record.verdict) for record in records_of(reports["a-trick"])}
        flags = ", ".join(flag.kind for flag in reports["a-trick"].flags)
        part.lines.append(f"- {trick.name}: {verdicts}; flags: {flags or 'none'}; {took:.1f} s")


def _unexpected(trick: gpu_corpus.Trick, reports: dict[str, GradeReport], device: str) -> Iterator[str]:
    allowed = ("passed",) if device == "cuda" else ("passed", "deferred")
    for record in records_of(reports["a-trick"]):
        verdicts = trick.verdicts.get(record.name, allowed)
        if record.verdict not in verdicts and not record.message.startswith("not run"):
            said = f"{record.verdict}, not {' or '.join(verdicts)} ({record.message[:200]})"
            yield f"{trick.name}: {record.name} is {said}"
    if trick.flag and trick.flag not in {flag.kind for flag in reports["a-trick"].flags}:
        yield f"{trick.name}: no flag {trick.flag!r}"
    for record in records_of(reports["b-honest"]):
        if record.verdict not in allowed:
            yield f"after {trick.name} the honest {record.name} is {record.verdict} ({record.message[:200]})"


def waiting(folder: Path, part: Part, device: str) -> None:
    """A class graded on a CPU is completed on the GPU, and nothing of it is graded twice."""
    course = gpu_corpus.gpu_course(folder / "course")
    gpu_corpus.hand_in(course, "ada", gpu_corpus.HONEST)
    before = grade(course.root, gpu_corpus.TOPIC, "--device", "cpu")["ada"]
    after = grade(course.root, gpu_corpus.TOPIC, "--device", device)["ada"]
    part.lines.append(f"{before.score:g} points and {before.pending_points:g} waiting; then {after.score:g}")
    if (before.score, before.pending_points) != (gpu_corpus.POINTS - 1, 1.0):
        part.wrong.append(f"on the CPU: {before.score:g} points, {before.pending_points:g} waiting")
    if device == "cuda" and (after.score, after.pending_points) != (gpu_corpus.POINTS, 0.0):
        part.wrong.append(f"on the GPU: {after.score:g} points, {after.pending_points:g} waiting")
    kept = {record.name: record for record in records_of(after)}
    for record in records_of(before):
        if record.points is not None and kept[record.name] != record:
            part.wrong.append(f"{record.name} was graded again")


def speed(folder: Path, part: Part, device: str) -> None:
    """Submissions a second, and memory of the GPU for each process, by how many are graded at once."""
    course = classes.our_course(folder / "course")
    classes.hand_in(course.root, CLASS)
    part.lines += ["| at once | submissions a second | largest process on the GPU, MiB |", "| --- | --- | --- |"]
    for jobs in AT_ONCE[: 1 if device == "cpu" else None]:
        with _GpuMemory() as memory:
            reports = grade(course.root, classes.TOPIC, "--device", device, "--jobs", str(jobs), "--force")
        files = (course.root / "results" / classes.TOPIC).glob("*.json")
        landed = sorted(path.stat().st_mtime_ns / 1e9 for path in files)[jobs:]  # once all are warm
        rate = (len(landed) - 1) / max(1e-9, landed[-1] - landed[0])
        right = sum(report.verdict == "passed" for report in reports.values())
        if right != sum(not classes.is_wrong(number) for number in range(CLASS)):
            part.wrong.append(f"{jobs} at once: {right} of {CLASS} passed")
        part.lines.append(f"| {jobs} | {rate:.2f} | {memory.largest or 'unknown'} |")
        part.figures[str(jobs)] = {"submissions_per_second": round(rate, 3), "largest_process_mib": memory.largest}


class _GpuMemory:
    """Looks at the memory of every process on the GPU until it is left; ``largest`` in MiB, 0 where nobody says."""

    def __init__(self) -> None:
        self.largest = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        command = ["nvidia-smi", "--query-compute-apps=used_memory", "--format=csv,noheader,nounits"]
        while not self._over.wait(POLL_SECONDS):
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
            except (OSError, subprocess.TimeoutExpired):
                return
            used = [int(line) for line in done.stdout.split() if line.isdecimal()]
            self.largest = max([self.largest, *used])


# ----------------------------------------------------------------------------------------- report


def write(folder: Path, parts: Sequence[Part], card: str) -> None:
    """``gpu-check.md`` and ``gpu-check.json``."""
    wrong = [f"- {part.name}: {each}" for part in parts for each in part.wrong]
    about = [f"- {name}: {value}" for name, value in {"card": card, **machine()}.items()]
    lines = ["# Grading on a GPU", "", *about, "", "## Verdict", ""]
    lines += [f"{len(wrong)} things are not as they should be:", "", *wrong] if wrong else ["All as it should be."]
    for part in parts:
        lines += ["", f"## {part.name.capitalize()} ({part.seconds:g} s)", "", *part.lines]
    (folder / "gpu-check.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = {"card": card, "machine": machine(), "parts": [vars(part) for part in parts]}
    (folder / "gpu-check.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
