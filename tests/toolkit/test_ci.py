"""The workflows that ``init-ci`` writes grade a class, twice, from a bare repository; see ``ci_machines``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.ci.files import Platform, course_files, write_files
from autograder.course import Course
from autograder.release import release
from autograder.seed import Seed
from tests.toolkit.ci_machines import GitHub, GitLab, Ran, read
from tests.toolkit.git_repositories import bare, git, push
from tests.toolkit.gradebooks import scores
from tests.toolkit.handed_in import HALVE, HALVER, IMPORTS, Kit
from tests.toolkit.tiny import TOPIC, tiny_course

SEED = "5eed" * 16
NOTEBOOK = f"{TOPIC}.ipynb"
CHEATS = {
    ".github/workflows/checks.yml": b"on: push\njobs: {grade: {runs-on: x, steps: [{run: echo 5}]}}\n",
    ".gitlab-ci.yml": b"grade: {script: [echo 5]}\n",
    "conftest.py": b"raise SystemExit\n",
    f"tests/hidden/test_{TOPIC}.py": b"def test_all(): pass\n",
    f"reference/{TOPIC}.py": b"def halve(x): return x\n",
    f"results/{TOPIC}/mallory.json": b"{}",
    "sitecustomize.py": b"raise SystemExit\n",
}


@dataclass
class Class:
    """A course in a bare repository, and its students' repositories."""

    course: Course
    remote: Path
    kit: Kit
    students: dict[str, Path]
    db: Path

    def workflow(self, name: str) -> dict[str, Any]:
        return read(self.course.root / name)

    def scores(self) -> dict[str, float]:
        return {student: score for student, score, _ in scores(f"sqlite:///{self.db}")}


def pinned(course: Course) -> None:
    """What a course of its own has: requirements and pins."""
    (course.root / "requirements.txt").write_text("autograder==0.1.0\n", encoding="utf-8")
    (course.root / "constraints.txt").write_text("numpy==2.0.0\ntorch==2.13.0\n", encoding="utf-8")


def make_class(folder: Path, platform: Platform) -> Class:
    course = tiny_course(folder)
    release(course, TOPIC)
    pinned(course)
    write_files(course.root, course_files(course, platform), force=False)
    kit = Kit(json.loads((course.root / "release" / TOPIC / NOTEBOOK).read_bytes()))
    names = ("ada", "bob", "mallory", "link", "module", "Zoë: o'Neill")
    students = {name: bare(folder / f"student-{number}.git") for number, name in enumerate(names)}
    wrong = kit.dump(kit.answered(halver=HALVER.replace("0.5", "0.25")))
    push(students["ada"], {NOTEBOOK: kit.good()})
    push(students["bob"], {NOTEBOOK: wrong})
    push(students["mallory"], {NOTEBOOK: kit.dump(kit.untouched()), **CHEATS})
    push(students["link"], {NOTEBOOK: ("120000", f"../../reference/{TOPIC}.py")})
    push(students["module"], {NOTEBOOK: ("160000", "1" * 40)})
    push(students["Zoë: o'Neill"], {f"{TOPIC}/{NOTEBOOK}": kit.dump(kit.book(kit.code(IMPORTS + HALVE)))})
    lines = [f'"{name}",{path}' for name, path in students.items()]
    (course.root / "roster.csv").write_text("\n".join(["student,repository", *lines, ""]), encoding="utf-8")
    ignore = ".autograder/\nsubmitted/\nresults/\nfeedback/\nautograded/\ngradebook.db*\n"
    (course.root / ".gitignore").write_text(ignore, encoding="utf-8")
    (course.root / ".gitattributes").write_text("*.ipynb text eol=crlf\n*.json filter=none\n", encoding="utf-8")
    remote = bare(folder / "course.git")
    git(course.root, "init", "--quiet", "--initial-branch=main")
    git(course.root, "add", "--all")
    git(course.root, "commit", "--quiet", "-m", "course")
    git(course.root, "push", "--quiet", str(remote), "main")
    return Class(course, remote, kit, students, folder / "server.db")


def graded_twice(folder: Path, found: Class, hosts: list[GitHub]) -> list[dict[str, Ran]]:
    """A run on each host; in between bob pushes a better notebook. Says what each job printed and left."""
    runs, workflow = list[dict[str, Ran]](), found.workflow(".github/workflows/grading.yml")
    for host in hosts:
        ran = {name: host.job(workflow, name) for name in ("collect", "grade", "record")}
        told = "\n".join(job.output for job in ran.values())
        assert [job.good for job in ran.values()] == [True, True, False], told  # two could not be collected
        assert "some notebooks could not be collected" in ran["record"].output
        assert "have no grade" not in ran["record"].output
        assert SEED not in told
        assert "the-password" not in told
        for name in ("link", "module"):
            assert f"{name}: {NOTEBOOK} is a" in ran["collect"].output
        assert not (ran["grade"].folder / ".autograder").exists()
        runs.append(ran)
        push(found.students["bob"], {NOTEBOOK: found.kit.good()})
    first, second = runs
    assert "4 new notebooks, 0 unchanged" in first["collect"].output
    assert "1 new notebook, 3 unchanged" in second["collect"].output
    assert "3 of 4 submissions are up to date" in second["grade"].output
    assert "bob: 3 -> 5" in second["grade"].output
    assert found.scores() == {"ada": 5.0, "bob": 5.0, "mallory": 0.0, "Zoë: o'Neill": 3.0}
    kept = folder / "kept.json"
    kept.write_text(git(found.remote, "show", f"grading/graded:{TOPIC}/ada.json"), encoding="utf-8")
    assert json.loads(kept.read_bytes())["provenance"]["seed_id"] == Seed(bytes.fromhex(SEED)).id
    times = git(found.remote, "show", f"grading/collected:ada/{TOPIC}/timestamp.txt")
    assert times < git(found.remote, "show", f"grading/collected:bob/{TOPIC}/timestamp.txt")
    branches = git(found.remote, "rev-list", "--count", "grading/collected", "grading/graded")
    assert branches == "2"
    return runs


def test_github_grades_a_class_twice(tmp_path: Path) -> None:
    """By hand first, where the deadline of the nightly runs counts for nothing, then by night."""
    found = make_class(tmp_path, Platform.GITHUB)
    secrets = {"AUTOGRADER_SEED": SEED, "AUTOGRADER_DB": f"sqlite:///{found.db}"}
    secrets |= dict.fromkeys(["STUDENT_REPOSITORIES_TOKEN"], "the-password")
    common = {"secrets": secrets, "github": {"token": "the-password"}}
    by_hand = {"inputs": {"topic": TOPIC}, "vars": {"AUTOGRADER_UNTIL": "2001-01-01T00:00Z"}}
    nightly = {"vars": {"AUTOGRADER_TOPIC": TOPIC, "AUTOGRADER_UNTIL": "2100-01-01T00:00Z"}}
    hosts = [
        GitHub(tmp_path / "run-1", found.remote, common | by_hand),
        GitHub(tmp_path / "run-2", found.remote, common | nightly),
    ]
    runs = graded_twice(tmp_path, found, hosts)
    told = (runs[1]["record"].folder.parent / "runner" / "GITHUB_STEP_SUMMARY").read_text(encoding="utf-8")
    assert "| mallory | 0 | 7 |" in told
    assert "| Zoë&#58; o&#39;Neill | 3 | 7 |" in told
    asked = (tmp_path / "run-1" / "pip.log").read_text(encoding="utf-8").splitlines()
    assert asked == ["install -c constraints.txt torch==2.13.0", "install -c constraints.txt -r requirements.txt"] * 3
    assert (tmp_path / "run-2" / "artefacts" / "graded" / "junit.xml").is_file()
    assert (tmp_path / "run-2" / "artefacts" / "recorded" / "recorded.tar").is_file()


def test_gitlab_grades_a_class(tmp_path: Path) -> None:
    found = make_class(tmp_path, Platform.GITLAB)
    tokens = {"STUDENT_REPOSITORIES_TOKEN": "the-password", "AUTOGRADER_PUSH_TOKEN": "the-password"}
    context = {
        "": {"TOPIC": TOPIC},
        "trusted/*": {"AUTOGRADER_DB": f"sqlite:///{found.db}", **tokens},
        "grade": {"AUTOGRADER_SEED": SEED},
    }
    workflow = found.workflow(".gitlab-ci.yml")
    host = GitLab(tmp_path / "run", found.remote, context)
    collect, grade = (host.job(workflow, name) for name in ("collect", "grade"))
    spoil(tmp_path / "run" / "artefacts" / "grade")
    host.outputs["grade"] = {"BASH_ENV": str(tmp_path / "evil"), "COLLECTED": "0"}  # a dotenv report that it sent
    (tmp_path / "evil").write_text(f"touch {tmp_path}/ran\n", encoding="utf-8")
    record = host.job(workflow, "record")
    told = collect.output + grade.output + record.output
    assert (collect.good, grade.good, record.good) == (True, True, False), told
    assert "some notebooks could not be collected" in record.output
    assert "some submissions have no grade" not in record.output
    assert found.scores() == {"ada": 5.0, "bob": 3.0, "mallory": 0.0, "Zoë: o'Neill": 3.0}
    assert not (tmp_path / "ran").exists()
    assert not (record.folder / "sitecustomize.py").exists()
    assert SEED not in told
    assert "the-password" not in told
    assert (tmp_path / "run" / "artefacts" / "record" / "recorded.tar").is_file()


def spoil(artefacts: Path) -> None:
    """What a broken `grade` could send beside its results: GitLab unpacks it over the folder of a job that takes it."""
    for path in ("autograder/__init__.py", "reference/halving.py", "sitecustomize.py", ".askpass", "results/halving/x"):
        (artefacts / path).parent.mkdir(parents=True, exist_ok=True)
        (artefacts / path).write_text("raise SystemExit('spoilt')\n", encoding="utf-8")
