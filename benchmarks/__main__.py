"""Measures how fast grading is, and writes tables and a plot: see ``--help``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from autograder.errors import AutograderError
from benchmarks import again, floor, peers, plot, ray_executor, scale
from benchmarks.measure import machine
from benchmarks.table import Table, page

PARTS: dict[str, Callable[[argparse.Namespace], list[Table]]] = {
    "peers": lambda chosen: peers.measure(chosen.students, chosen.repeat, full=chosen.full, quick=chosen.quick),
    "floor": lambda chosen: floor.measure(chosen.topic, chosen.repeat, whole=chosen.full),
    "scale": lambda chosen: scale.measure(chosen.repeat, full=chosen.full or chosen.largest, quick=chosen.quick),
    "again": lambda chosen: again.measure(chosen.repeat, quick=chosen.quick),
    "ray": lambda chosen: ray_executor.measure(chosen.repeat, quick=chosen.quick),
}
QUICK_TOPIC = "conv_output_size"


def options(words: Sequence[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure (default: all)")
    parser.add_argument("--students", type=_count, default=20, help="class of nbgrader and otter-grader (default: 20)")
    parser.add_argument("--topic", nargs="+", default=[], help="assignments of the floor (default: all)")
    parser.add_argument("--repeat", type=_count, default=3, help="how often everything is measured (default: 3)")
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks"), help="folder for tables and plot")
    parser.add_argument("--quick", action="store_true", help="tiny classes, one repeat: to see that it works")
    parser.add_argument("--largest", action="store_true", help="5000 submissions too: some minutes more")
    parser.add_argument("--full", action="store_true", help="5000 submissions, all specimens, peers on 200 too: hours")
    chosen = parser.parse_args(words)
    if chosen.quick:
        chosen.repeat, chosen.students, chosen.topic = 1, 2, chosen.topic or [QUICK_TOPIC]
    return chosen


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def main(words: Sequence[str]) -> int:
    """Measure each part, writing what is there so far after each."""
    chosen, about, tables = options(words), machine(), list[Table]()
    chosen.output.mkdir(parents=True, exist_ok=True)
    command = " ".join(["python -m benchmarks", *words])
    for name in chosen.part:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            tables += PARTS[name](chosen)
        except AutograderError as error:
            print(f"error: {name}: {error}", file=sys.stderr)
            return 1
        write(chosen.output, command, about, tables)
    print(page(about, command, tables))
    return 0


def write(folder: Path, command: str, about: dict[str, str], tables: Sequence[Table]) -> None:
    """``speed.md``, ``speed.json`` and, where there is something to draw, ``speed.svg`` and ``speed.png``."""
    (folder / "speed.md").write_text(page(about, command, tables), encoding="utf-8")
    found = {"command": command, "machine": about, "tables": [table.plain() for table in tables]}
    (folder / "speed.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    plot.draw(tables, folder, f"{about['processor']}, {about['cores']} cores")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
