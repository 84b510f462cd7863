"""What ``autograder grade`` makes of its options, and what it tells while it works."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rich.markup import escape

from autograder.commands.device import Device, here, on_a_cluster
from autograder.commands.shared import Isolation, err, progress_bar
from autograder.course import Assignment, Course
from autograder.errors import UsageError
from autograder.words import some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.api import Engine, Graded, Order
    from autograder.model import GradeReport
    from autograder.provenance import Options


class Executor(StrEnum):
    """Where grading processes run."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True)
class Workplace:
    """Where grading processes run, and what each gets of a cluster: its address, and GPUs for a process."""

    executor: Executor
    ray_address: str
    ray_gpus: float

    def engine(self) -> Engine:
        """What grades the submissions. A ``RAY_ADDRESS`` in the environment alone asks for no cluster."""
        if self.executor is Executor.RAY:
            from autograder.cluster.engine import RayEngine

            return RayEngine(self.ray_address, self.ray_gpus)
        if self.ray_gpus:
            raise UsageError("--ray-gpus is for grading on a cluster; add --executor ray")
        from autograder.pool import grade_many

        return grade_many

    def options(self, assignment: Assignment, device: Device, isolation: Isolation) -> Options:
        """How a submission is graded there; raises ``UsageError`` for a device that is not there."""
        from autograder.provenance import Options

        if self.executor is Executor.RAY:
            where, gpu = on_a_cluster(device, assignment, self.ray_gpus), None
        else:
            where, gpu = here(device, assignment)
        return Options(isolation=isolation.value, device=where, gpu=gpu)


def grade_and_tell(course: Course, order: Order) -> Graded:
    """Grade, with a bar, and a line for each score that is another than before."""
    from autograder import api

    with progress_bar() as bar:
        task = bar.add_task(f"grading {order.topic}", total=None)

        def started(total: int, to_grade: int) -> None:
            if total > to_grade:
                err.print(f"{total - to_grade} of {total} submissions are up to date")
            bar.update(task, total=to_grade)

        def landed(report: GradeReport, previous: GradeReport | None, changed: Sequence[str]) -> None:
            bar.advance(task)
            if previous is not None and previous.score != report.score:
                why = f" ({some(changed)} changed)" if changed else ""
                line = f"{report.student}: {previous.score:g} -> {report.score:g}{why}"
                err.print(escape(line))

        return api.grade_class(course, order, started, landed)
