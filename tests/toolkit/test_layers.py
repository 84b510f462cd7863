"""The layer table: a file of the package imports only from rows above its own. The table is the test."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "autograder"

# From the bottom up; files of one row do not know each other. A package's own name is its __init__.py.
LAYERS = """
    __init__ lines pages text streams sandbox interrupts touched gpu
    model
    errors words archives disclosure display difference sandbox.wire sandbox.policy sandbox.syscalls sandbox.notebook
    sandbox.cgroups sandbox.places sandbox.accelerator extras times
    submissions sandbox.evaluate sandbox.lockdown sandbox.watch sandbox.pages files capacity
    sandbox.shell sandbox.namespaces sandbox.landlock
    sandbox.child
    sandbox.zygote sandbox.launch
    sandbox.nursery sandbox.process
    sandbox.session course seed testing.marks testing.strategies testing.log
    suite testing.student provenance
    testing.compare kept
    testing.checks testing.statistics examples hints
    testing counterexample scoring
    release.names release.files
    release.answers release.handout release.settings
    release.consistency release.leaks release.manifest release.students
    release.source release.asked
    release.publish
    release
    precedents health
    judge
    runner
    collecting.placing preload results receipts doctor pytest_plugin cluster
    collecting collecting.closing collecting.git tables nbgrader_bridge.stamps
    collecting.collect collecting.roster
    pool roster pseudonyms
    cluster.folder cluster.parcel teams history collecting.taking collecting.archive collecting.people
    collecting.platforms collecting.exchange landing
    similar similar.tokens similar.winnow similar.reading
    similar.pairs
    similar.page
    similar.report
    cluster.worker
    cluster.crew
    cluster.engine
    nbgrader_bridge.markdown nbgrader_bridge.database nbgrader_bridge.settings nbgrader_bridge.summary
    nbgrader_bridge.autograded nbgrader_bridge nbgrader_bridge.opened nbgrader_bridge.late_days
    nbgrader_bridge.entries nbgrader_bridge.students nbgrader_bridge.finals nbgrader_bridge.extensions
    grids nextsteps typeset
    gradebook feedback
    nbgrader_bridge.autograde readers
    api specimens replay recording
    proof proof.trials proof.contract proof.breakers proof.usage proof.operators
    proof.conventions proof.mutants
    proof.coverage
    verify samples
    exports exports.cells exports.grades exports.summary
    exports.csv_file exports.canvas exports.moodle exports.gradescope
    exports.formats gradescope gradescope.run gradescope.package
    gradescope.bundle
    report report.statistics
    report.charts
    report.page
    demo scaffold commands commands.shared ci ci.askpass ci.artefact ci.store ci.files
    ci.students commands.gradebook
    commands.device commands.verify commands.export commands.replay commands.seed
    commands.collect commands.record commands.init_ci commands.bundle
    commands.roster commands.history commands.extend
    commands.report commands.feedback commands.outcome commands.new commands.similar commands.grading
    cli
    __main__
"""

# Libraries that few files may know, so that replacing one or starting without it stays possible.
ONLY_IN = {
    "libcst": ("proof",),
    "mutmut": ("proof",),
    "nbgrader": ("release", "gradebook", "nbgrader_bridge"),
    "pyseccomp": ("sandbox.lockdown", "sandbox.zygote", "sandbox.nursery"),
    "ray": ("cluster",),
    "sqlalchemy": ("gradebook", "nbgrader_bridge"),
    "typer": ("cli", "commands"),
}

# Formats that run code when they are read; nothing from a submission may come near them.
UNSAFE_FORMATS = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}


def module_name(path: Path) -> str:
    """``autograder/sandbox/wire.py`` -> ``sandbox.wire``; a package's ``__init__.py`` -> the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
ROW = {name: number for number, line in enumerate(LAYERS.strip().splitlines()) for name in line.split()}


def imported(path: Path) -> Iterator[str]:
    """Full names that a file imports, at its top or inside functions: ``torch.nn``, ``autograder.text.show``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: write the import from the package's root"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    """Names of the package's own files that a file imports, as in the table."""
    found = set()
    for name in imported(path):
        first, _, rest = name.partition(".")
        if first == "autograder":
            found.add(rest if rest in FILES else rest.rpartition(".")[0] or "__init__")
    return found


def inside(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(place + ".") for place in places)


@pytest.mark.parametrize("name", FILES)
def test_file_has_a_row_and_imports_only_from_rows_above(name: str) -> None:
    assert name in ROW, f"{FILES[name]} is not in the layer table: add {name!r} to LAYERS in {__file__}"
    sideways = {other for other in own_imports(FILES[name]) if ROW.get(other, ROW[name]) >= ROW[name]}
    assert not sideways, f"{name} (row {ROW[name]}) imports from its own row or a later one: {sorted(sideways)}"


def test_table_names_only_files_that_exist() -> None:
    assert set(ROW) <= set(FILES), f"remove from LAYERS: {sorted(set(ROW) - set(FILES))}"


def test_student_process_loads_nothing_of_the_grading_side() -> None:
    reached, waiting = set[str](), ["sandbox.nursery"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting += own_imports(FILES[name]) - reached
    strangers = {name for name in reached if not name.startswith("sandbox")}
    assert not strangers, f"what runs beside student code imports {sorted(strangers)}"


def test_recording_knows_no_way_to_run_a_notebook() -> None:
    reached, waiting = set[str](), ["recording"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting += own_imports(FILES[name]) - reached
    running = {"api", "runner", "pool", "judge", "cluster", *(n for n in FILES if n.startswith("sandbox."))}
    assert reached & running <= {"sandbox.notebook"}  # reads a notebook's text, for nbgrader's copy
    assert not {"subprocess", "multiprocessing"} & set(imported(FILES["recording"]))


@pytest.mark.parametrize("library", ONLY_IN)
def test_library_is_known_only_where_the_table_says(library: str) -> None:
    users = {name for name, path in FILES.items() if library in {other.split(".")[0] for other in imported(path)}}
    strangers = {name for name in users if not inside(name, ONLY_IN[library])}
    assert not strangers, f"{library} is imported by {sorted(strangers)}; ONLY_IN allows {ONLY_IN[library]}"


@pytest.mark.parametrize("name", FILES)
def test_no_format_that_runs_code_when_read(name: str) -> None:
    assert not UNSAFE_FORMATS & {other.split(".")[0] for other in imported(FILES[name])}


@pytest.mark.parametrize("path", sorted(ROOT.glob("reference/*.py")), ids=lambda path: path.stem)
def test_reference_needs_only_torch(path: Path) -> None:
    """Students copy nothing else: the model solution runs wherever a student's notebook does."""
    libraries = {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names)
    assert libraries <= {"torch"}
