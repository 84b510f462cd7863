from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autograder.ci.askpass import program
from autograder.ci.files import FROM_CHECKOUT, Platform, course_files, install_lines, write_files
from autograder.ci.store import main as store
from autograder.ci.students import student_files
from autograder.course import Course
from autograder.errors import AuthoringError, UsageError
from autograder.release import release, released_leaks
from tests.toolkit.ci_machines import GitHub, read
from tests.toolkit.command_line import cold_runner
from tests.toolkit.git_repositories import ENVIRONMENT, bare, git, push
from tests.toolkit.handed_in import Kit
from tests.toolkit.tiny import TOPIC, edit, opened, tiny_course

ROOT = Path(__file__).parents[2]
GITHUB = (".github/workflows/course.yml", ".github/workflows/grading.yml")
SCHEMAS = {Platform.GITHUB: "vendor.github-workflows", Platform.GITLAB: "vendor.gitlab-ci"}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The tiny course, released, with pins."""
    course = tiny_course(tmp_path_factory.mktemp("ci"))
    release(course, TOPIC)
    (course.root / "requirements.txt").write_text("autograder==0.1.0\n", encoding="utf-8")
    (course.root / "constraints.txt").write_text("numpy==2.0.0\ntorch==2.13.0+cpu\n", encoding="utf-8")
    return course


@pytest.fixture
def course(released: Course, tmp_path: Path) -> Course:
    shutil.copytree(released.root, tmp_path / "course")
    return Course(tmp_path / "course")


def parsed(files: dict[str, bytes], folder: Path) -> dict[str, dict[str, Any]]:
    """The workflows among ``files`` as their readers see them."""
    write_files(folder, files, force=False)
    return {path: read(folder / path) for path in files if path.endswith(".yml")}


# ------------------------------------------------------------------------------------ what is written


@pytest.mark.parametrize("platform", Platform)
def test_every_workflow_fits_its_platforms_schema(released: Course, tmp_path: Path, platform: Platform) -> None:
    files = {f"course/{path}": data for path, data in course_files(released, platform).items()}
    files |= {f"students/{path}": data for path, data in student_files(released, platform, [TOPIC]).items()}
    write_files(tmp_path, files, force=False)
    wanted = [str(tmp_path / path) for path in files if path.endswith(".yml")]
    assert len(wanted) == {Platform.GITHUB: 3, Platform.GITLAB: 2}[platform]
    wanted += [str(path) for path in ROOT.glob(".github/workflows/*.yml") if platform is Platform.GITHUB]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[platform], *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_nothing_is_left_to_be_filled_in(released: Course) -> None:
    for platform in Platform:
        for path, data in (course_files(released, platform) | student_files(released, platform, [TOPIC])).items():
            assert not re.search(rb"@[A-Z]+@", data), path


def test_each_secret_reaches_one_stage(released: Course, tmp_path: Path) -> None:
    grading = parsed(course_files(released, Platform.GITHUB), tmp_path)[GITHUB[1]]
    texts = {name: json.dumps(job) for name, job in grading["jobs"].items()}
    places = {name: set(re.findall(r"secrets\.(\w+)", text)) for name, text in texts.items()}
    assert places == {
        "collect": {"STUDENT_REPOSITORIES_TOKEN"},
        "grade": {"AUTOGRADER_SEED"},
        "record": {"AUTOGRADER_DB"},
    }
    assert "github.token" not in texts["grade"]
    assert grading["permissions"] == {}
    assert grading["jobs"]["grade"]["permissions"] == {"contents": "read"}
    gitlab = parsed(course_files(released, Platform.GITLAB), tmp_path)[".gitlab-ci.yml"]
    environments = {name: gitlab[name]["environment"]["name"] for name in ("collect", "grade", "record")}
    assert environments == {"collect": "trusted/collect", "grade": "grade", "record": "trusted/record"}


@pytest.mark.parametrize("platform", Platform)
def test_only_the_middle_stage_grades_and_none_has_a_cache(released: Course, platform: Platform) -> None:
    for path, data in course_files(released, platform).items():
        text = data.decode()
        assert len(re.findall(r"^\s*autograder grade ", text, re.MULTILINE)) == (0 if "course.yml" in path else 1)
        assert not re.search(r"^\s*-?\s*(cache:|uses: actions/cache)", text, re.MULTILINE)
        assert "pull_request" not in text


def test_no_expression_stands_in_a_command(released: Course, tmp_path: Path) -> None:
    written = parsed(course_files(released, Platform.GITHUB), tmp_path / "a")
    written |= parsed(student_files(released, Platform.GITHUB, [TOPIC]), tmp_path / "b")
    written["ci.yml"] = read(ROOT / ".github" / "workflows" / "ci.yml")
    steps = [step for workflow in written.values() for job in workflow["jobs"].values() for step in job["steps"]]
    assert len(steps) > 20
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []
    for step in steps:
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False
    assert all("timeout-minutes" in job for workflow in written.values() for job in workflow["jobs"].values())


def test_how_the_environment_is_installed(released: Course, tmp_path: Path) -> None:
    assert install_lines(ROOT) == FROM_CHECKOUT
    assert install_lines(released.root).endswith("pip install -c constraints.txt -r requirements.txt")
    with pytest.raises(UsageError, match=r"constraints.txt and requirements.txt is missing"):
        install_lines(tmp_path)
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / name).write_text("numpy==2.0.0\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"a line torch==... in constraints.txt is missing"):
        install_lines(tmp_path)


def test_edited_files_are_named_and_stay(course: Course) -> None:
    run = cold_runner(course.root)
    assert run("init-ci", "github").stdout.count(": written") == 2
    assert run("init-ci", "github").stdout.count(": was up to date") == 2
    path = course.root / GITHUB[0]
    path.write_text("mine\n", encoding="utf-8")
    refused = run("init-ci", "github", code=2).stderr
    assert GITHUB[0] in refused
    assert "--force" in refused
    assert path.read_text(encoding="utf-8") == "mine\n"
    run("init-ci", "github", "--force")
    assert path.read_bytes() == course_files(course, Platform.GITHUB)[GITHUB[0]]
    assert "there are: github, gitlab" in run("init-ci", "jenkins", code=2).stderr
    assert "topics belong to --student-template" in run("init-ci", "github", TOPIC, code=2).stderr


# ------------------------------------------------------------------------------------ what students get


@pytest.mark.parametrize("platform", Platform)
def test_the_students_repository_tells_nothing_hidden(released: Course, platform: Platform) -> None:
    files = student_files(released, platform, [TOPIC])
    assignment, suite = opened(released)
    assert released_leaks(assignment, suite, files) == []
    text = b"\n".join(files.values()).decode()
    ours = b"\n".join(data for path, data in files.items() if not path.startswith(TOPIC)).decode()
    assert [test.name for test in suite.tests if test.name in text or test.title in ours] == []
    assert not any(word in text for word in ("hidden", "reference/", "secrets.", "pull_request", "grading.yml"))
    assert set(files) > {"README.md", "requirements.txt", f"{TOPIC}/{TOPIC}.ipynb", f"{TOPIC}/files/numbers.txt"}
    assert not any("manifest" in path or "test" in path for path in files)
    assert files["requirements.txt"].decode().splitlines()[-2:] == ["numpy==2.0.0", "torch==2.13.0"]


def test_a_leak_stops_the_students_repository(course: Course) -> None:
    body = (course.root / "tests" / "hidden" / f"test_{TOPIC}.py").read_text(encoding="utf-8")
    (line,) = [line for line in body.splitlines() if "assert_inputs_untouched(" in line]
    (course.root / "release" / TOPIC / "hint.txt").write_text(line, encoding="utf-8")
    with pytest.raises(AuthoringError, match=r"halving/hint.txt"):
        student_files(course, Platform.GITHUB, [TOPIC])


def test_a_push_runs_the_visible_checks_of_a_student(released: Course, tmp_path: Path) -> None:
    files = student_files(released, Platform.GITHUB, [TOPIC])
    kit = Kit(json.loads(files[f"{TOPIC}/{TOPIC}.ipynb"]))
    workflow = parsed(files, tmp_path / "template")[".github/workflows/checks.yml"]
    assert (workflow["on"], workflow["permissions"]) == ("push", {"contents": "read"})
    for name, notebook, good in (("right", kit.good(), True), ("given", kit.dump(kit.untouched()), False)):
        remote = bare(tmp_path / f"{name}.git")
        push(remote, {**files, f"{TOPIC}/{TOPIC}.ipynb": notebook})
        ran = GitHub(tmp_path / name, remote, {}).job(workflow, "run")
        assert ran.good is good, ran.output
        assert ("AssertionError" in ran.output or "NotImplementedError" in ran.output) is not good


# ------------------------------------------------------------------------------------ a push to the course


def test_a_push_checks_the_course(course: Course, tmp_path: Path) -> None:
    workflow = parsed(course_files(course, Platform.GITHUB), course.root)[GITHUB[0]]
    gitlab = parsed(course_files(course, Platform.GITLAB), course.root)[".gitlab-ci.yml"]
    steps = [step["run"] for step in workflow["jobs"]["check"]["steps"] if "autograder" in step.get("run", "")]
    assert steps == gitlab["course"]["script"] == ["autograder release --check", "autograder verify"]
    edit(course.root / "release" / TOPIC / f"{TOPIC}.ipynb", "halve", "double")
    remote = bare(tmp_path / "course.git")
    for arguments in (
        ["init", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "-m", "x"],
        ["push", str(remote), "main"],
    ):
        git(course.root, *arguments)
    ran = GitHub(tmp_path / "run", remote, {}).job(workflow, "check")
    assert not ran.good
    assert "release/ is not up to date" in ran.output
    assert "autograder verify" not in ran.output


def test_this_projects_own_workflow_pins_the_lowest_torch(tmp_path: Path) -> None:
    workflow = read(ROOT / ".github" / "workflows" / "ci.yml")
    shutil.copy(ROOT / "constraints.txt", tmp_path)
    (lower,) = [step for step in workflow["jobs"]["lowest-torch"]["steps"] if "sed" in step.get("run", "")]
    subprocess.run(["bash", "-e", "-c", lower["run"]], cwd=tmp_path, check=True)
    pins = (tmp_path / "constraints.txt").read_text(encoding="utf-8").splitlines()
    (lowest,) = re.findall(r'"torch>=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"torch=={lowest}.0" in pins
    versions = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13"]


# ------------------------------------------------------------------------------------ what is kept, and passwords


def test_a_folder_is_kept_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    remote = bare(tmp_path / "course.git")
    push(remote, {".gitattributes": b"* text eol=crlf ident", ".gitignore": b"*"})
    for name in ("first", "second"):
        subprocess.run(["git", "clone", "--quiet", f"file://{remote}", str(tmp_path / name)], check=True)
    files = {"Zoë: o'Neill/a.ipynb": b"one\ntwo\r\n$Id$", "ada/b": bytes(range(256)), ".collected/x.json": b"{}"}
    monkeypatch.chdir(tmp_path / "first")
    assert store(["restore", "grading/x", "submitted"]) == 0
    for path, data in files.items():
        Path("submitted", path).parent.mkdir(parents=True, exist_ok=True)
        Path("submitted", path).write_bytes(data)
    assert store(["save", "grading/x", "submitted"]) == 0
    monkeypatch.chdir(tmp_path / "second")
    assert store(["restore", "grading/x", "submitted"]) == 0
    found = {str(p.relative_to("submitted")): p.read_bytes() for p in Path("submitted").rglob("*") if p.is_file()}
    assert found == files
    Path("submitted", "ada", "b").unlink()
    assert store(["save", "grading/x", "submitted"]) == 0
    assert "ada/b" not in git(remote, "ls-tree", "-r", "--name-only", "grading/x")
    assert git(remote, "rev-list", "--count", "grading/x") == "1"


def test_a_remote_that_is_away_is_no_first_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Taken for one, the next save would drop all that was kept."""
    git(tmp_path, "init", "--quiet")
    monkeypatch.chdir(tmp_path)
    assert store(["restore", "x", "submitted", "--remote", str(tmp_path / "nowhere")]) == 1
    assert "error: restore x: git ls-remote" in capsys.readouterr().err
    assert store(["save", "x", "submitted", "--remote", str(tmp_path / "nowhere")]) == 1


@pytest.mark.parametrize(
    ("address", "password"),
    [
        ("https://git.example.org/c/a.git", "the-word"),
        ("https://evil.example.org/a.git", ""),
        ("https://git.example.org.evil.org/a.git", ""),
        ("https://git.example.org:8443/a.git", ""),
        ("http://git.example.org/a.git", ""),
    ],
)
def test_a_password_is_told_to_one_server(tmp_path: Path, address: str, password: str) -> None:
    asked = tmp_path / "askpass"
    asked.write_text(program("https://git.example.org", "me"), encoding="utf-8")
    asked.chmod(0o700)
    environment = (
        os.environ | ENVIRONMENT | {"GIT_ASKPASS": str(asked), "GIT_PASSWORD": "the-word", "GIT_TERMINAL_PROMPT": "0"}
    )
    done = subprocess.run(
        ["git", "-c", "credential.helper=", "credential", "fill"],
        input=f"url={address}\n\n",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert dict(line.split("=", 1) for line in done.stdout.splitlines()).get("password", "") == password
    assert (done.returncode == 0) is bool(password)
