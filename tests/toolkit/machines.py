"""A Ray cluster of two machines, which are processes here: one dies when its raylet is killed.

It lives in a process of its own, so that the tests' never imports Ray, whose settings hold for a whole process. This
file is both sides: ``Machines`` asks, the program does what each line says and answers with a line of JSON.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.cluster.engine import quick_path


class Machines:
    """The asking side; the program ends with it. The cluster is started meanwhile, and waited for when it is used."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.toolkit.machines"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @functools.cached_property
    def address(self) -> str:
        """Of the cluster, once both machines have joined it."""
        return self._answer()

    def lose_one(self) -> None:
        """Kill the machine that is not the head."""
        assert self._process.stdin is not None
        self._process.stdin.write("lose\n")
        self._process.stdin.flush()
        assert self._answer() == "lost"

    def close(self) -> None:
        """End the cluster."""
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        answer: str = json.loads(self._process.stdout.readline())
        return answer


# ------------------------------------------------------------------------------------ the program


def _serve() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # where Ray may print what it likes

    def answer(said: str) -> None:
        answers.write(f"{json.dumps(said)}\n")
        answers.flush()

    # In /tmp and short: sockets lie in it, whose paths have 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="ag-machines-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        os.environ["PYTHONPATH"] = quick_path(Path(folder))
        sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # as its machines do
        from ray.cluster_utils import Cluster

        lean = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "temp_dir": f"{folder}/ray", **lean})
        try:
            machine = cluster.add_node(num_cpus=1)
            answer(cluster.address)
            for _ in sys.stdin:
                cluster.remove_node(machine, allow_graceful=False)
                answer("lost")
        finally:
            cluster.shutdown()


if __name__ == "__main__":
    _serve()
