"""The full hidden suite here beside ten plain checks in nbgrader, on the same class, in one run.

    python benchmarks/against_nbgrader.py [--students 20]

Both sides grade the same notebooks and write an SQLite gradebook. nbgrader runs its own way: one
kernel per notebook, the checks inside it. Here every submission gets its sandbox and all examples.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOPIC = "attention"
QUESTIONS = ("softmax", "scaled_dot_product_attention", "causal_mask")

CHECKS = {
    "softmax": """
torch.manual_seed(0)
x = torch.randn(4, 5)
assert softmax(x).shape == x.shape
assert torch.allclose(softmax(x), torch.softmax(x, -1), atol=1e-6)
assert torch.allclose(softmax(x, dim=0), torch.softmax(x, 0), atol=1e-6)
assert torch.isfinite(softmax(x * 1e4)).all()
""",
    "scaled_dot_product_attention": """
import torch.nn.functional as F
torch.manual_seed(1)
q, k, v = torch.randn(2, 3, 4), torch.randn(2, 5, 4), torch.randn(2, 5, 6)
output, weights = scaled_dot_product_attention(q, k, v)
assert output.shape == (2, 3, 6)
assert torch.allclose(output, F.scaled_dot_product_attention(q, k, v), atol=1e-5)
assert torch.allclose(weights.sum(-1), torch.ones(2, 3), atol=1e-5)
mask = torch.rand(2, 3, 5) > 0.3
mask[..., 0] = True
masked, _ = scaled_dot_product_attention(q, k, v, mask)
assert torch.allclose(masked, F.scaled_dot_product_attention(q, k, v, attn_mask=mask), atol=1e-5)
""",
    "causal_mask": """
assert causal_mask(4).dtype == torch.bool
assert torch.equal(causal_mask(4), torch.ones(4, 4).tril().bool())
""",
}


def main() -> None:
    """Make the class, time both, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=20, help="size of the class (default: 20)")
    students = parser.parse_args().students
    with tempfile.TemporaryDirectory(prefix="autograder-benchmark-") as folder:
        ours, theirs = Path(folder) / "ours", Path(folder) / "nbgrader"
        prepare_ours(ours)
        prepare_nbgrader(theirs)
        for number in range(students):
            answers = solution(wrong=number % 3 == 2)
            hand_in(ours, f"student{number:03}", answers, [])
            hand_in(theirs, f"student{number:03}", answers, list(CHECKS))
        rows = [
            ("autograder grade, full hidden suite", timed([sys.executable, "-m", "autograder", "grade", TOPIC], ours)),
            ("nbgrader autograde, ten plain checks", timed(["nbgrader", "autograde", TOPIC], theirs)),
        ]
        print(f"{students} submissions of {TOPIC}, {len(os.sched_getaffinity(0))} processors")
        for name, (wall, cpu) in rows:
            print(f"{name:<40} {wall:7.1f} s wall {cpu:7.1f} s CPU {wall / students:6.2f} s each")
        print(f"nbgrader takes {rows[1][1][0] / rows[0][1][0]:.1f} times as long")
        print(f"full marks here: {full_marks(ours)}; graded by nbgrader: {len(list(theirs.glob('autograded/*')))}")


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a command and everything it starts."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prepare_ours(folder: Path) -> None:
    """This course, released."""
    kept = shutil.ignore_patterns("*.ipynb", "__pycache__")
    for name in ("assignments", "reference", "tests/hidden", "release"):
        shutil.copytree(ROOT / name, folder / name, ignore=None if name == "release" else kept)
    shutil.copy(ROOT / "nbgrader_config.py", folder)


def prepare_nbgrader(folder: Path) -> None:
    """A plain nbgrader course with the ten checks, released."""
    (folder / "source" / TOPIC).mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'benchmark'\n")
    write_notebook(folder / "source" / TOPIC / f"{TOPIC}.ipynb", solution(wrong=False), list(CHECKS))
    timed(["nbgrader", "generate_assignment", TOPIC], folder)


def solution(*, wrong: bool) -> str:
    """The reference's source; one in three forgets to stay finite."""
    source = (ROOT / "reference" / f"{TOPIC}.py").read_text(encoding="utf-8")
    unstable = "\n\ndef softmax(x, dim=-1):\n    e = torch.exp(x)\n    return e / e.sum(dim, keepdim=True)\n"
    return source.replace("from __future__ import annotations\n", "") + (unstable if wrong else "")


def hand_in(folder: Path, student: str, answers: str, checks: list[str]) -> None:
    """A submission as nbgrader lays it out."""
    write_notebook(folder / "submitted" / student / TOPIC / f"{TOPIC}.ipynb", answers, checks)


def write_notebook(path: Path, answers: str, checks: list[str]) -> None:
    """A notebook with one answer cell and nbgrader's graded cells."""
    cells = [cell("answers", answers, grade=False)] + [cell(name, CHECKS[name], grade=True) for name in checks]
    spec = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": spec, "cells": cells}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def cell(name: str, source: str, *, grade: bool) -> dict[str, object]:
    """A code cell with nbgrader's metadata."""
    mark: dict[str, object] = {"schema_version": 3, "grade_id": name, "task": False}
    mark |= {"grade": True, "solution": False, "locked": True, "points": 1} if grade else {}
    mark |= {} if grade else {"grade": False, "solution": True, "locked": False}
    metadata = {"nbgrader": mark}
    return {"cell_type": "code", "id": name[:60], "metadata": metadata, "source": source, "outputs": [],
            "execution_count": None}  # fmt: skip


def full_marks(folder: Path) -> int:
    """How many of our results have all automatic points."""
    reports = [json.loads(path.read_bytes()) for path in folder.glob(f"results/{TOPIC}/*.json")]
    return sum(report["verdict"] == "passed" for report in reports)


if __name__ == "__main__":
    main()
