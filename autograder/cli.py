"""The command line: parses, calls, prints, exits. No decision about a grade is made here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from autograder.course import Course
from autograder.errors import AuthoringError, AutograderError, UsageError
from autograder.text import clean

if TYPE_CHECKING:
    from autograder.api import Graded
    from autograder.model import GradeReport

DONE, NO, WRONG_USE, INTERRUPTED = 0, 1, 2, 3
_TYPER_INTERRUPTED = 130  # what typer makes of a KeyboardInterrupt

app = typer.Typer(
    help="Grade PyTorch notebooks: release, verify, grade in a sandbox, explain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

Topics = Annotated[list[str] | None, typer.Argument(metavar="[TOPIC]...", help="Assignments; all by default.")]
Topic = Annotated[str, typer.Argument(help="The assignment.")]
CourseFolder = Annotated[Path | None, typer.Option("--course", help="The course folder; found from here by default.")]
Jobs = Annotated[int, typer.Option("--jobs", min=0, help="Grading processes; 0 means one per processor.")]


class Isolation(StrEnum):
    """How far a submission is kept apart."""

    SANDBOX = "sandbox"
    PROCESS = "process"


class Device(StrEnum):
    """Where graded calls run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Executor(StrEnum):
    """Where grading processes run."""

    LOCAL = "local"
    RAY = "ray"


class FeedbackLevel(StrEnum):
    """What students may read."""

    FULL = "full"
    CATEGORY = "category"


Level = Annotated[
    FeedbackLevel | None, typer.Option("--feedback", help="What students may read; by default as the handout says.")
]


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    )


# --------------------------------------------------------------------------------------- release


@app.command()
def release(
    topics: Topics = None,
    check: Annotated[bool, typer.Option("--check", help="Only say whether release/ is up to date.")] = False,
    course: CourseFolder = None,
) -> None:
    """Build the source and student notebooks of assignments."""
    from autograder import release as releasing

    found = Course.find(course)
    stale = False
    for topic in topics or found.topics():
        if check:
            difference = releasing.check(found, topic)
            stale = stale or bool(difference)
            out.print(f"{topic}: {'differs' if difference else 'up to date'}")
            out.print(difference, markup=False, end="")
        else:
            result = releasing.release(found, topic)
            place = escape(str(result.folder.relative_to(found.root)))
            out.print(f"{topic}: {place} {'written' if result.changed else 'was up to date'}")
    if stale:
        err.print("release/ is not up to date; run: autograder release")
        raise typer.Exit(NO)


# ---------------------------------------------------------------------------------------- verify


@app.command()
def verify(
    topics: Topics = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Break every line of the contract, and show which tests notice.")
    ] = False,
    mutants: Annotated[
        bool, typer.Option("--mutants", help="Mutate the model solutions, and list the mutants that survive.")
    ] = False,
    sample: Annotated[
        int, typer.Option(min=0, help="Try only so many mutants of each assignment, drawn by chance; 0 means all.")
    ] = 0,
    table: Annotated[Path | None, typer.Option(help="Write the table as Markdown.")] = None,
    jobs: Jobs = 0,
    course: CourseFolder = None,
) -> None:
    """Prove that the hidden tests catch what is wrong and accept what is right."""
    found = Course.find(course)
    chosen = topics or found.topics()
    if coverage and mutants:
        raise UsageError("--coverage and --mutants are two proofs: ask for one at a time")
    if (table and not (coverage or mutants)) or (sample and not mutants):
        raise UsageError("--table belongs to --coverage or --mutants, --sample to --mutants")
    with _progress() as bar:
        task = bar.add_task("verifying", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        if coverage:
            holds = _verify_coverage(found, chosen, jobs, table, advance)
        elif mutants:
            holds = _verify_mutants(found, chosen, jobs, table, advance, sample)
        else:
            holds = _verify_claims(found, chosen, jobs, advance)
    if not holds:
        raise typer.Exit(NO)


Advance = Callable[[int, int], None]


def _verify_claims(course: Course, topics: list[str], jobs: int, advance: Advance) -> bool:
    from autograder import verify as verifying

    claims = verifying.verify(course, topics, jobs=jobs, progress=advance)
    for claim in claims:
        mark = "[green]holds[/green]" if claim.holds else "[red]FAILS[/red]"
        out.print(f"{mark}  {escape(claim.topic)}: {escape(claim.sentence)}")
        for detail in () if claim.holds else claim.details:
            out.print(f"       {escape(clean(detail))}")
    broken = sum(not claim.holds for claim in claims)
    out.print(f"{len(claims) - broken} of {len(claims)} claims hold")
    return not broken


def _verify_coverage(course: Course, topics: list[str], jobs: int, table: Path | None, advance: Advance) -> bool:
    from autograder.proof.coverage import coverage, markdown
    from autograder.results import write_whole

    cells = coverage(course, topics, jobs=jobs, progress=advance)
    if table:
        write_whole(table, markdown(cells).encode())
    for cell in cells:
        mark = "[red]EMPTY[/red]" if cell.empty else "-" if cell.exempt else f"{len(cell.tests):>5}"
        first = cell.exempt or ", ".join(cell.tests[:2]) + (", ..." if len(cell.tests) > 2 else "")
        out.print(f"{mark:>5}  {escape(f'{cell.question}  {cell.line}  {clean(cell.way)}: {first}')}")
    empty = sum(cell.empty for cell in cells)
    out.print(f"{len(cells)} cells, {empty} of them empty")
    return not empty


def _verify_mutants(
    course: Course, topics: list[str], jobs: int, table: Path | None, advance: Advance, sample: int
) -> bool:
    from autograder.results import write_whole

    try:
        from autograder.proof.mutants import markdown, mutation_test
    except ImportError as error:
        raise UsageError(f"--mutants needs {error.name}; install it: pip install 'autograder[mutants]'") from error
    outcomes = mutation_test(course, topics, sample=sample, jobs=jobs, progress=advance)
    if table:
        write_whole(table, markdown(outcomes).encode())
    for outcome in outcomes:
        for name in outcome.survivors:
            out.print(f"[red]SURVIVES[/red]  {escape(f'{outcome.topic}: {clean(name, 400)}')}")
        for name in outcome.stale:
            out.print(
                f"[red]STALE[/red]  {escape(f'{outcome.topic}: recorded as equivalent, but none survives: {name}')}"
            )
        counts = f"{outcome.tried} mutants, {outcome.killed} killed, {len(outcome.equivalent)} equivalent"
        out.print(escape(f"{outcome.topic}: {counts}, {len(outcome.survivors)} unexplained"))
    return all(outcome.holds for outcome in outcomes)


# ----------------------------------------------------------------------------------------- grade


@app.command()
def grade(
    topic: Topic,
    submitted: Annotated[Path | None, typer.Option(help="Folder of submissions; by default submitted/.")] = None,
    student: Annotated[list[str] | None, typer.Option("--student", help="Only this student; may be repeated.")] = None,
    results: Annotated[Path | None, typer.Option(help="Where results go; by default results/.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all reports as one JSON list.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write the outcome as JUnit XML.")] = None,
    jobs: Jobs = 0,
    device: Annotated[Device, typer.Option(help="Where graded calls run.")] = Device.AUTO,
    executor: Annotated[Executor, typer.Option(help="Where grading processes run.")] = Executor.LOCAL,
    isolation: Annotated[
        Isolation, typer.Option(help="sandbox keeps all promises or stops; process is for code you trust.")
    ] = Isolation.SANDBOX,
    feedback_level: Level = None,
    db: Annotated[str | None, typer.Option(help="Gradebook URL, by default nbgrader's; none: results only.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Grade again what is up to date.")] = False,
    course: CourseFolder = None,
) -> None:
    """Grade submissions: results, gradebook and a page for each student."""
    from autograder import api
    from autograder.provenance import Options

    if device is Device.CUDA:
        raise UsageError("--device cuda: this version grades on the CPU; leave the option out")
    if executor is Executor.RAY:
        raise UsageError("--executor ray: this version grades on one machine; leave the option out")
    found = Course.find(course)
    order = api.Order(
        topic=topic,
        submitted=(submitted or found.submitted).resolve(),
        results=(results or found.results).resolve(),
        students=tuple(student or ()),
        options=Options(isolation=isolation.value),
        jobs=jobs,
        force=force,
        gradebook=db != "none",
        db_url=None if db == "none" else db,
        level=feedback_level.value if feedback_level else None,
    )
    with _progress() as bar:
        task = bar.add_task(f"grading {topic}", total=None)

        def started(total: int, to_grade: int) -> None:
            if total > to_grade:
                err.print(f"{total - to_grade} of {total} submissions are up to date")
            bar.update(task, total=to_grade)

        def landed(report: GradeReport, previous: GradeReport | None, changed: Sequence[str]) -> None:
            bar.advance(task)
            if previous is not None and previous.score != report.score:
                why = f" ({', '.join(changed)} changed)" if changed else ""
                line = f"{report.student}: {previous.score:g} -> {report.score:g}{why}"
                err.print(escape(line))

        graded = api.grade_class(found, order, started, landed)
    if json_file is not None:
        api.write_json(json_file, graded.reports)
    if junit is not None:
        api.write_junit(junit, topic, graded.reports)
    _print_grades(graded)
    if not graded.complete:
        raise typer.Exit(NO)


def _print_grades(graded: Graded) -> None:
    table = Table("student", "score", "of", "verdict", "", box=None, pad_edge=False)
    for report in graded.reports:
        note = clean(report.message.splitlines()[-1], 100) if report.message else ""
        if report.pending_points:
            note = f"{report.pending_points:g} points wait for another device"
        flags = f"{len(report.flags)} to look at" if report.flags else ""
        row = (report.student, f"{report.score:g}", f"{report.max_score:g}", str(report.verdict), note or flags)
        table.add_row(*map(escape, row))
    out.print(table)
    for name in graded.strange_folders:
        err.print(f"left out: the folder name {escape(name)!r} is no student id")
    if not graded.complete:
        err.print("some submissions could not be graded: that is the grader's fault; earlier grades stand")


@app.command()
def feedback(
    topic: Topic,
    level: Level = None,
    course: CourseFolder = None,
) -> None:
    """Write a page for every result of an assignment."""
    from autograder.feedback import write_pages

    found = Course.find(course)
    pages = write_pages(found, topic, level=level.value if level else None)
    out.print(f"{len(pages)} pages in {escape(str(found.root / 'feedback'))}")


# ------------------------------------------------------------------------------- doctor and demo


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, course: CourseFolder = None
) -> None:
    """Say what isolation, devices and versions this machine offers."""
    from autograder import doctor as examining

    try:
        hidden: tuple[Path, ...] = (Course.find(course).root,)
    except UsageError:
        hidden = ()
    findings = examining.examine(hidden)
    rows = examining.machine()
    if as_json:
        promises = [{"promise": f.promise, "holds": f.holds, "means": f.means} for f in findings]
        out.print(json.dumps({"machine": rows, "promises": promises}, indent=2), markup=False)
    else:
        for name, value in rows.items():
            out.print(f"{name:<12}{escape(value)}")
        for finding in findings:
            mark = "[green]holds[/green]" if finding.holds else "[red]FAILS[/red]"
            out.print(f"{mark}  {escape(finding.promise)}\n       {escape(clean(finding.means))}")
    if not all(finding.holds for finding in findings):
        err.print("not every promise holds here: 'autograder grade' stops unless lowered by name: --isolation process")
        raise typer.Exit(WRONG_USE)


@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="A fresh folder for the demo course.")] = Path("demo"),
    jobs: Jobs = 0,
    course: CourseFolder = None,
) -> None:
    """Release, make a class of sample submissions, grade it and write the pages, in a fresh folder."""
    from autograder.demo import demo as show

    show(Course.find(course), output, jobs=jobs, console=out)


# ------------------------------------------------------------------------------------------ main


def guarded(run: Callable[[], int]) -> int:
    """The exit code of ``run``, with our own errors as one plain message."""
    try:
        return run()
    except UsageError as error:
        err.print(f"[red]error:[/red] {escape(str(error))}")
        return WRONG_USE
    except AuthoringError as error:
        err.print(f"[red]course error:[/red] {escape(str(error))}")
        return WRONG_USE
    except AutograderError as error:
        err.print(f"[red]grader error:[/red] {escape(str(error))}")
        return NO
    except KeyboardInterrupt:
        err.print("interrupted; what was graded is kept, and the next run goes on from there")
        return INTERRUPTED


def main() -> None:
    """The console script."""
    sys.exit(guarded(_run))


def _run() -> int:
    try:
        code = app(standalone_mode=False)
    except typer.Exit as leaving:
        code = leaving.exit_code
    except typer.Abort:
        return INTERRUPTED
    except Exception as error:
        show = getattr(error, "show", None)  # click's usage errors print themselves
        if show is None:
            raise
        show()
        return WRONG_USE
    if code == _TYPER_INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else DONE
