"""The command line: parses, calls, prints, exits. No decision about a grade is made here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.bundle import bundle
from autograder.commands.collect import collect
from autograder.commands.device import Device
from autograder.commands.export import export
from autograder.commands.extend import extend
from autograder.commands.feedback import feedback
from autograder.commands.grading import Executor, Workplace, grade_and_tell
from autograder.commands.history import history
from autograder.commands.init_ci import init_ci
from autograder.commands.new import new
from autograder.commands.outcome import print_outcome
from autograder.commands.record import record
from autograder.commands.replay import replay
from autograder.commands.report import class_report
from autograder.commands.roster import roster
from autograder.commands.seed import seed
from autograder.commands.shared import (
    DONE,
    INTERRUPTED,
    NO,
    WRONG_USE,
    CourseFolder,
    Database,
    Isolation,
    Jobs,
    Level,
    Topic,
    Topics,
    err,
    out,
    writable,
)
from autograder.commands.similar import similar
from autograder.commands.verify import verify
from autograder.course import Course
from autograder.errors import AuthoringError, AutograderError, UsageError
from autograder.streams import guard
from autograder.text import clean

_TYPER_INTERRUPTED = 130  # what typer makes of a KeyboardInterrupt

app = typer.Typer(
    help="Grade PyTorch notebooks: release, verify, grade in a sandbox, explain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


# --------------------------------------------------------------------------------------- release


app.command()(new)


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


app.command()(verify)


# ----------------------------------------------------------------------------------------- grade


app.command()(collect)


@app.command()
def grade(
    topic: Topic,
    submitted: Annotated[Path | None, typer.Option(help="Folder of submissions; by default submitted/.")] = None,
    student: Annotated[list[str] | None, typer.Option("--student", help="Only this student; may be repeated.")] = None,
    results: Annotated[Path | None, typer.Option(help="Where results go; by default results/.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all reports as one JSON list.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write the outcome as JUnit XML.")] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Add a table in Markdown to this file: GitHub's step summary.")
    ] = None,
    jobs: Jobs = 0,
    device: Annotated[
        Device, typer.Option(help="Where graded calls run; auto: on a GPU where the assignment needs one.")
    ] = Device.AUTO,
    executor: Annotated[Executor, typer.Option(help="Where grading processes run.")] = Executor.LOCAL,
    ray_address: Annotated[
        str | None,
        typer.Option(envvar="RAY_ADDRESS", help="With --executor ray: the cluster; by default one on this machine."),
    ] = None,
    ray_gpus: Annotated[
        float, typer.Option(min=0, help="With --executor ray: GPUs of each grading process, such as 0.25.")
    ] = 0.0,
    isolation: Annotated[
        Isolation, typer.Option(help="sandbox keeps all promises or stops; process is for code you trust.")
    ] = Isolation.SANDBOX,
    feedback_level: Level = None,
    db: Database = None,
    force: Annotated[bool, typer.Option("--force", help="Grade again what is up to date.")] = False,
    all_rows: Annotated[
        bool, typer.Option("--all", help="Print a line for each student, also of a large class.")
    ] = False,
    course: CourseFolder = None,
) -> None:
    """Grade submissions: results, gradebook and a page for each student."""
    from autograder import api

    workplace = Workplace(executor, ray_address or "", ray_gpus)
    engine = workplace.engine()
    json_file, junit, summary = writable(json_file), writable(junit), writable(summary)
    found = Course.find(course)
    order = api.Order(
        topic=topic,
        submitted=(submitted or found.submitted).resolve(),
        results=(results or found.results).resolve(),
        students=tuple(student or ()),
        options=workplace.options(found.assignment(topic), device, isolation),
        jobs=jobs,
        engine=engine,
        force=force,
        gradebook=db != "none",
        db_url=None if db == "none" else db,
        level=feedback_level.value if feedback_level else None,
    )
    graded = grade_and_tell(found, order)
    if json_file is not None:
        api.write_json(json_file, graded.reports)
    if junit is not None:
        api.write_junit(junit, topic, graded.reports)
    if summary is not None:
        from autograder.exports.summary import add_summary

        add_summary(summary, topic, graded.reports, graded.conflicts)
    print_outcome(graded, order.results / topic, all_rows=all_rows)
    if not graded.complete:
        raise typer.Exit(NO)


app.command()(feedback)
app.command()(record)
app.command()(export)
app.command()(bundle)
app.command()(replay)
app.command("report")(class_report)
app.command()(similar)
app.command()(seed)
app.command()(init_ci)
app.command()(roster)
app.command()(history)
app.command()(extend)


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
    found = examining.examine(hidden)
    findings, rows = found.findings, examining.machine(found.tier)
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
    """The console script. All that it prints, a traceback included, goes through guarded streams."""
    guard()
    # nbformat imports jsonschema, which makes a parser of international web addresses where it finds this: two seconds
    # of every command for a format that no schema of a notebook has.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
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
