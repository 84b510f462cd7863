"""What GitHub and GitLab do with a workflow, as far as ours need it: jobs in fresh folders, steps by bash.

A remote is a bare repository; checking out is cloning it. Artefacts are files copied from job to job. ``pip`` is a
program that notes what it was asked for: all else runs for real.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.toolkit.gitlab_api import gitlab_api

ROOT = Path(__file__).parents[2]
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
Variables = dict[str, str]


@dataclass
class Ran:
    """What a job printed, and whether it went well."""

    output: str = ""
    good: bool = True
    folder: Path = Path()


@dataclass
class Machine:
    """``remote`` is the course's repository; ``folder`` belongs to one run of a workflow."""

    folder: Path
    remote: Path
    context: Mapping[str, Variables]
    outputs: dict[str, Variables] = field(default_factory=dict)

    def environment(self, variables: Mapping[str, str]) -> Variables:
        """A clean environment with our programs, ``pip`` aside."""
        tools, home = self.folder / "tools", self.folder / "home"
        for place in (tools, home):
            place.mkdir(parents=True, exist_ok=True)
        (tools / "pip").write_text(f'#!/bin/sh\necho "$@" >>{self.folder}/pip.log\n', encoding="utf-8")
        (tools / "autograder").write_text(f'#!/bin/sh\nexec {sys.executable} -m autograder "$@"\n', encoding="utf-8")
        for name in ("pip", "autograder"):
            (tools / name).chmod(0o700)
        path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        usual = {"PATH": path, "HOME": str(home), "PYTHONPATH": str(ROOT), "CI": "true", "COLUMNS": "200"}
        return usual | {"GIT_CONFIG_NOSYSTEM": "1"} | dict(variables)

    def bash(self, script: str, folder: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a script as both do: bash that stops at the first failure."""
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        env = self.environment(variables)
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)

    def clone(self, folder: Path) -> None:
        subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{self.remote}", str(folder)], check=True)


@dataclass
class GitHub(Machine):
    """GitHub Actions."""

    def value(self, text: Any) -> str:
        """``text`` with its expressions evaluated: names, texts and ``||``."""
        return EXPRESSION.sub(lambda match: self._either(match[1]), str(text))

    def _either(self, expression: str) -> str:
        for term in expression.split("||"):
            found = self._term(term.strip())
            if found:
                return found
        return ""

    def _term(self, term: str) -> str:
        if term.startswith("'"):
            return term.strip("'")
        context, _, name = term.partition(".")
        assert context in {"inputs", "vars", "secrets", "github", "steps", "needs"}, term
        if context in {"steps", "needs"}:
            job, _, output = name.partition(".outputs.")
            return self.outputs.get(job, {}).get(output, "")
        return self.context.get(context, {}).get(name, "")

    def job(self, workflow: Mapping[str, Any], name: str) -> Ran:
        """Run one job; ``if: always()`` steps also after a failure."""
        job, place = workflow["jobs"][name], self.folder / name
        work, files = place / "work", place / "runner"
        work.mkdir(parents=True)
        files.mkdir()
        ran, exported = Ran(folder=work), dict[str, str]()
        for step in job["steps"]:
            if ran.good or step.get("if") == "always()":
                if "uses" in step:
                    self._use(step, work)
                else:
                    self._run(workflow, step, ran, files, exported)
        for output, text in job.get("outputs", {}).items():
            self.outputs.setdefault(name, {})[output] = self.value(text)
        return ran

    def _run(
        self, workflow: Mapping[str, Any], step: Mapping[str, Any], ran: Ran, files: Path, exported: Variables
    ) -> None:
        told = {key: self.value(text) for key, text in {**workflow.get("env", {}), **step.get("env", {})}.items()}
        own = {name: str(files / name) for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        for path in own.values():
            Path(path).touch()
        event = "workflow_dispatch" if "inputs" in self.context else "schedule"
        usual = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_SERVER_URL": "https://github.com",
            "RUNNER_TEMP": str(files),
        }
        done = self.bash(step["run"], ran.folder, usual | own | {"GITHUB_WORKSPACE": str(ran.folder)} | exported | told)
        ran.output += f"--- {step.get('name')}\n{done.stdout}{done.stderr}"
        ran.good = ran.good and done.returncode == 0
        exported |= _pairs(Path(own["GITHUB_ENV"]))
        self.outputs[step.get("id", "")] = _pairs(Path(own["GITHUB_OUTPUT"]))

    def _use(self, step: Mapping[str, Any], work: Path) -> None:
        action, told = step["uses"].partition("@")[0], step.get("with", {})
        if action == "actions/checkout":
            assert told["persist-credentials"] is False
            work.rmdir()
            self.clone(work)
        elif action == "actions/upload-artifact":
            source, kept = work / told["path"], self.folder / "artefacts" / told["name"]
            if source.is_dir():
                shutil.copytree(source, kept)
            else:
                kept.mkdir(parents=True)
                shutil.copy(source, kept)
        elif action == "actions/download-artifact":
            kept = self.folder / "artefacts" / told["name"]
            shutil.copytree(kept, work / told.get("path", "."), dirs_exist_ok=True)
        else:
            assert action == "actions/setup-python", action


@dataclass
class GitLab(Machine):
    """GitLab CI. ``context`` maps the scope of a secret to its variables."""

    def job(self, workflow: Mapping[str, Any], name: str) -> Ran:
        """Run one job, with the artefacts and variables of those that it needs."""
        job = dict(workflow[name])
        job = {**workflow.get(job.get("extends", ""), {}), **job}
        work = self.folder / name
        variables = {**workflow["variables"], **job.get("variables", {})}
        if variables.get("GIT_STRATEGY") == "none":
            work.mkdir(parents=True)
        else:
            self.clone(work)
        for needed in job.get("needs", []):
            if isinstance(needed, str) or needed["artifacts"]:
                needed_job = needed if isinstance(needed, str) else needed["job"]
                shutil.copytree(self.folder / "artefacts" / needed_job, work, dirs_exist_ok=True)
                variables |= self.outputs.get(needed_job, {})
        variables |= self._own(work) | self._secrets(job["environment"]["name"])
        lines = [*job.get("before_script", workflow["default"]["before_script"]), *job["script"]]
        with gitlab_api(self.folder / "artefacts", list(self.outputs), "the-password") as api:
            done = self.bash("\n".join(lines), work, variables | api)
        ran = Ran(f"{done.stdout}{done.stderr}", done.returncode == 0, work)
        for line in job.get("after_script", []):
            self.bash(line, work, variables)
        artefacts, kept = job["artifacts"], self.folder / "artefacts" / name
        kept.mkdir(parents=True)
        for path in artefacts["paths"] if ran.good or artefacts.get("when") == "always" else []:
            if (work / path).is_dir():
                shutil.copytree(work / path, kept / path)
            elif (work / path).exists():
                shutil.copy(work / path, kept)
        dotenv = artefacts.get("reports", {}).get("dotenv")
        self.outputs[name] = _pairs(work / dotenv) if dotenv else {}
        return ran

    def _own(self, work: Path) -> Variables:
        head = subprocess.run(
            ["git", "-C", self.remote, "rev-parse", "main"], capture_output=True, text=True, check=True
        )
        return {
            "GITLAB_CI": "true",
            "CI_COMMIT_SHA": head.stdout.strip(),
            "CI_PROJECT_DIR": str(work),
            "CI_PROJECT_URL": f"file://{self.remote.with_suffix('')}",
            "CI_REPOSITORY_URL": f"file://{self.remote}",
            "CI_SERVER_URL": "https://gitlab.example.org",
        }

    def _secrets(self, environment: str) -> Variables:
        found: Variables = {}
        for scope, variables in self.context.items():
            if scope == environment or (scope.endswith("/*") and environment.startswith(scope[:-1])) or not scope:
                found |= variables
        return found


def _pairs(path: Path) -> Variables:
    """The lines ``NAME=value`` of a file that steps write."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {name: text for name, _, text in (line.partition("=") for line in lines)}


def read(path: Path) -> dict[str, Any]:
    """A workflow; YAML takes the word ``on`` for true."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in found.items()}
