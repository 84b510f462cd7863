"""One run on a machine with a GPU: are grades there those of a CPU, does nothing break, how fast is it?

    python benchmarks/gpu_check.py --output DIR

Needs this checkout, torch for CUDA and the libraries of pyproject.toml. For a machine without a network, where there
is one:

    python benchmarks/gpu_check.py --fetch-wheels WHEELS --for-python 3.12

and then ``--wheels WHEELS``: what is missing is installed from these, into an environment of its own that has the
machine's libraries too.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDS = (
    "hypothesis", "ipykernel", "ipython", "jinja2", "jupytext", "matplotlib", "msgspec", "nbconvert", "nbformat",
    "nbgrader", "numpy", "pyseccomp", "pytest", "pyyaml", "rich", "sqlalchemy", "typer",
)  # fmt: skip
# What comes along for editing notebooks, and what a machine with torch has: not needed, and half of the bytes.
SPARE = (
    "babel", "debugpy", "ipywidgets", "jedi", "jupyterlab", "jupyterlab_widgets", "notebook", "numpy", "setuptools",
    "widgetsnbextension",
)  # fmt: skip
_MODULES = {"pyyaml": "yaml", "ipython": "IPython"}


def options(words: list[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="gpu_check.py", description=__doc__, formatter_class=_Formatter)
    parser.add_argument("--output", type=Path, help="folder for the report: gpu-check.md and gpu-check.json")
    parser.add_argument("--wheels", type=Path, help="folder of wheels for what is not installed here")
    parser.add_argument("--fetch-wheels", type=Path, help="download the wheels into this folder, and end")
    parser.add_argument("--for-python", default="3.12", help="version of Python that the wheels are for")
    parser.add_argument("--topic", nargs="+", default=[], help="assignments to grade (default: all)")
    parser.add_argument(
        "--students", type=int, default=0, help="at most so many sample submissions of each (default: all)"
    )
    parser.add_argument("--seconds", type=float, default=540, help="begin no further part after so long")
    parser.add_argument(
        "--rehearse", action="store_true", help="without a GPU: the same on the CPU, to try this program"
    )
    chosen = parser.parse_args(words)
    if chosen.output is None and chosen.fetch_wheels is None:
        parser.error("say where the report goes: --output DIR")
    return chosen


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the text above."""


def fetch(folder: Path, python: str) -> int:
    """Download what a bare machine with torch needs."""
    constraints = folder / "constraints.txt"
    folder.mkdir(parents=True, exist_ok=True)
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    constraints.write_text("\n".join(line for line in lines if not line.startswith("torch==")) + "\n", encoding="utf-8")
    where = ["--dest", str(folder), "-c", str(constraints)]
    kind = ["--only-binary=:all:", "--python-version", python, "--platform", "manylinux_2_28_x86_64"]
    kind += ["--platform", "manylinux2014_x86_64", "--platform", "any", "--implementation", "cp"]
    done = subprocess.run([sys.executable, "-m", "pip", "download", *where, *kind, *NEEDS], check=False)
    for path in folder.glob("*.whl"):
        if path.name.partition("-")[0].lower() in SPARE:
            path.unlink()
    return done.returncode


def missing() -> list[str]:
    """Libraries that are not installed here."""
    return [name for name in NEEDS if importlib.util.find_spec(_MODULES.get(name, name)) is None]


def install(wheels: Path, place: Path) -> Path:
    """The interpreter of an environment that has this machine's libraries, and from ``wheels`` what is missing."""
    found = sorted(map(str, wheels.glob("*.whl")))
    if not found:
        raise SystemExit(f"{wheels} holds no wheels; make them where there is a network: --fetch-wheels {wheels}")
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # The interpreter that runs this may be one of an environment itself, whose libraries no other inherits.
    here = [path for path in sys.path if path.endswith("-packages")]
    (place / "lib" / version / "site-packages" / "here.pth").write_text("\n".join(here) + "\n", encoding="utf-8")
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", *found], check=True)
    return python


def main(words: list[str]) -> int:
    """0: all as it should be; 1: not; 2: no GPU, or something that is needed is not here."""
    chosen = options(words)
    if chosen.fetch_wheels is not None:
        return fetch(chosen.fetch_wheels, chosen.for_python)
    if lacking := missing():
        if chosen.wheels is None:
            print(f"not installed: {', '.join(lacking)}; name a folder of wheels: --wheels DIR", file=sys.stderr)
            return 2
        python = install(chosen.wheels, chosen.output / "environment")
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{python.parent}:{os.environ.get('PATH', '')}"}
        return subprocess.run([str(python), __file__, *words], env=environment, check=False).returncode
    sys.path.insert(0, str(ROOT))
    from benchmarks import gpu_parts  # noqa: PLC0415 - what it imports may have had to be installed first

    return gpu_parts.check(chosen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
