"""``autograder verify``: the claims, the contract's lines against the tests, the mutants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import NO, CourseFolder, Jobs, Topics, out, progress_bar
from autograder.course import Course
from autograder.errors import UsageError
from autograder.text import clean

Advance = Callable[[int, int], None]


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
    with progress_bar() as bar:
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


def _verify_claims(course: Course, topics: list[str], jobs: int, advance: Advance) -> bool:
    from autograder import verify as verifying

    claims = verifying.verify(course, topics, jobs=jobs, progress=advance)
    # What fails comes last: the end of a long output is what people and CI pages show first.
    for claim in sorted(claims, key=lambda claim: not claim.holds):
        mark = "[green]holds[/green]" if claim.holds else "[red]FAILS[/red]"
        out.print(f"{mark}  {escape(claim.topic)}: {escape(claim.sentence)}")
        for detail in () if claim.holds else claim.details:
            out.print(f"       {escape(clean(detail))}")
    broken = sum(not claim.holds for claim in claims)
    out.print(f"{len(claims) - broken} of {len(claims)} claims hold")
    return not broken


def _verify_coverage(course: Course, topics: list[str], jobs: int, table: Path | None, advance: Advance) -> bool:
    from autograder.files import write_whole
    from autograder.proof.coverage import coverage, markdown

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
    from autograder.files import write_whole

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
