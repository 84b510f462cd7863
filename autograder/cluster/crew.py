"""The grading processes of one run on a Ray cluster: staffed, given work, replaced where they die.

Nothing is left to Ray's own retries: a death is blamed on the submission that was at work, unless a machine was
lost, and both are counted, so that every submission ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
import ray
from ray import exceptions

from autograder.cluster.parcel import Started, Work, why_none_starts
from autograder.cluster.worker import GradingProcess
from autograder.errors import InvalidSubmission, UsageError
from autograder.model import GradeReport, Limits, Submission
from autograder.pool import ATTEMPTS, enough
from autograder.submissions import read_submission

IN_FLIGHT = 2  # per grading process: one at work, one at hand; what a dead machine takes along is little
LOST_MACHINES = 5  # a submission that so many machines were lost under is given up
FALSE_STARTS = 3  # deaths in a row of processes that had not started: there is no use in going on
CLOSE_SECONDS = 5.0

_LOST = (
    exceptions.ActorUnavailableError,  # its machine does not answer
    exceptions.NodeDiedError,
    exceptions.ObjectLostError,
    exceptions.OutOfMemoryError,  # Ray's own doing, where a machine runs short of memory
)


# A submission that no grading process survived, and why. Plain, for a process that does not import Ray.
Broken: TypeAlias = tuple[Submission, str]


@dataclass
class Job:
    """A submission to be graded, and what happened to it so far."""

    submission: Submission
    deaths: int = 0
    lost_machines: int = 0


@dataclass
class Post:
    """One grading process. ``started`` is open until it is ready; the first of ``tasks`` is at work."""

    actor: Any
    started: Any
    node: str = ""
    tasks: deque[tuple[Job, Any]] = field(default_factory=deque)

    @property
    def next_answer(self) -> Any:
        """What to wait for; ``None`` where the process has nothing to do."""
        return self.started or (self.tasks[0][1] if self.tasks else None)


class Crew:
    """Grades ``submissions`` over at most ``size`` processes, each with one processor and ``gpus`` of a GPU.

    ``patience_seconds``: for a first process to start.
    """

    def __init__(
        self,
        parcel: bytes,
        limits: Limits,
        submissions: Sequence[Submission],
        size: int,
        *,
        gpus: float,
        patience_seconds: float,
    ) -> None:
        self._parcel = ray.put(parcel)  # once per machine, not once per process
        self._limits = limits
        self._waiting = deque(Job(submission) for submission in submissions)
        self._size = enough(size, len(submissions))
        self._actor: Any = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0, max_task_retries=0)(GradingProcess)
        self._posts: list[Post] = []
        self._false_starts = 0
        self._patience_seconds = patience_seconds

    def reports(self) -> Iterator[GradeReport | Broken]:
        """Reports as they land."""
        while self._waiting or any(post.tasks for post in self._posts):
            self._staff()
            yield from self._hand_out()
            for post in self._ready():
                yield from self._collect(post)

    def dismiss(self) -> None:
        """Let the processes that are ready tidy up; Ray ends them all when it is left."""
        closing = [post.actor.close.remote() for post in self._posts if not post.started]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=CLOSE_SECONDS)

    def _staff(self) -> None:
        wanted = min(self._size, len(self._waiting) + sum(1 for post in self._posts if post.tasks))
        while len(self._posts) < wanted:
            actor = self._actor.remote()
            self._posts.append(Post(actor, actor.start.remote(self._parcel)))

    def _hand_out(self) -> Iterator[Broken]:
        """Give every ready process what it lacks, the idle ones first."""
        for depth in range(IN_FLIGHT):
            for post in self._posts:
                if self._waiting and not post.started and len(post.tasks) == depth:
                    job = self._waiting.popleft()
                    try:
                        work = self._work(job.submission)
                    except OSError as error:
                        yield job.submission, f"the notebook could not be read: {error}"
                        continue
                    post.tasks.append((job, post.actor.grade.remote(msgspec.msgpack.encode(work))))

    def _work(self, submission: Submission) -> Work:
        earlier = submission.earlier.to_json() if submission.earlier is not None else b""
        named = (submission.student, submission.assignment, submission.questions)
        try:
            return Work(*named, notebook=read_submission(submission, self._limits), earlier=earlier)
        except InvalidSubmission as fault:
            return Work(*named, fault=fault.message)

    def _ready(self) -> list[Post]:
        """Posts that have an answer; waits for the first."""
        waited = {post.next_answer: post for post in self._posts if post.next_answer}
        if not waited:
            return []
        at_work = any(post.tasks for post in self._posts)
        ready, _ = ray.wait(list(waited), timeout=None if at_work else self._patience_seconds)
        if not ready:
            raise UsageError(self._nobody_starts())
        more, _ = ray.wait(list(waited), num_returns=len(waited), timeout=0)
        return [waited[answer] for answer in {*ready, *more}]

    def _nobody_starts(self) -> str:
        found, free = ray.cluster_resources(), ray.available_resources()
        has = ", ".join(f"{free.get(kind, 0):g} of {found.get(kind, 0):g} {kind}s free" for kind in ("CPU", "GPU"))
        return (
            f"no grading process could start on the cluster within {self._patience_seconds:g} s ({has}); "
            "give it free machines and run again, what was graded is kept"
        )

    def _collect(self, post: Post) -> Iterator[GradeReport | Broken]:
        try:
            answer = ray.get(post.next_answer)
        except exceptions.RayError as error:
            yield from self._bury(post, error)
            return
        if post.started:
            started = msgspec.msgpack.decode(answer, type=Started)
            started.check()
            post.started, post.node, self._false_starts = None, started.node, 0
        else:
            post.tasks.popleft()
            yield GradeReport.from_json(answer)

    def _bury(self, post: Post, error: exceptions.RayError) -> Iterator[Broken]:
        """Take a dead process off the list. What it had is next, but for what seems to have killed it: that is last."""
        lost = isinstance(error, _LOST) or getattr(error, "preempted", False) or post.node in _dead_nodes()
        self._posts.remove(post)
        ray.kill(post.actor)
        if post.started and not lost:
            self._false_starts += 1
            not_made = getattr(error, "actor_init_failed", False)
            if not_made or self._false_starts >= FALSE_STARTS:
                raise why_none_starts(str(error), not_made=not_made)
        jobs = [job for job, _ in post.tasks]
        self._waiting.extendleft(reversed(jobs[1:]))
        for job in jobs[:1]:
            job.lost_machines += lost
            job.deaths += not lost
            if (why := _given_up(job)) is not None:
                yield job.submission, why
            elif lost:
                self._waiting.appendleft(job)
            else:
                self._waiting.append(job)


def _given_up(job: Job) -> str | None:
    if job.deaths >= ATTEMPTS:
        return f"the grading process died {job.deaths} times on this submission"
    if job.lost_machines >= LOST_MACHINES:
        return f"{job.lost_machines} machines of the cluster were lost while they graded this submission"
    return None


def _dead_nodes() -> set[str]:
    return {node["NodeID"] for node in ray.nodes() if not node["Alive"]}
