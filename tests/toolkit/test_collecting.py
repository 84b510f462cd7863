from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nbgrader.utils import parse_utc

from autograder.ci.askpass import program
from autograder.collecting import git as git_module
from autograder.collecting.collect import collect
from autograder.collecting.git import Source, notebooks_of
from autograder.collecting.placing import place
from autograder.collecting.roster import read_sources
from autograder.errors import NotCollected, UsageError
from autograder.roster import read_roster
from tests.toolkit.command_line import cold_runner
from tests.toolkit.git_repositories import Entry, bare, git, push
from tests.toolkit.git_servers import GitServer, certificate, git_server
from tests.toolkit.tiny import TOPIC, tiny_course

MOST = 1 << 20
NOTEBOOK = f"{TOPIC}.ipynb"
HOUR = timedelta(hours=1)


def source(folder: Path, files: dict[str, Entry] | None = None, **more: str) -> Source:
    """A student's repository of one commit."""
    repository = bare(folder / "ada.git")
    push(repository, files if files is not None else {NOTEBOOK: b"one"})
    return Source("ada", str(repository), **more)


def stamp(submitted: Path, student: str = "ada") -> datetime:
    found: datetime = parse_utc((submitted / student / TOPIC / "timestamp.txt").read_text("ascii").strip())
    return found.replace(tzinfo=UTC)


def refused(wanted: Source, most: int = MOST) -> str:
    with pytest.raises(NotCollected) as caught:
        notebooks_of(wanted, TOPIC, most)
    return str(caught.value)


# ------------------------------------------------------------------------------------ one repository


def test_the_notebook_is_found_where_students_put_it(tmp_path: Path) -> None:
    assert notebooks_of(source(tmp_path / "a"), TOPIC, MOST) == ({TOPIC: b"one"}, "")
    assert notebooks_of(source(tmp_path / "b", {f"{TOPIC}/{NOTEBOOK}": b"two"}), TOPIC, MOST) == ({TOPIC: b"two"}, "")
    files: dict[str, Entry] = {NOTEBOOK: b"three", "work/mine.ipynb": b"four"}
    assert notebooks_of(source(tmp_path / "c", files, path="work/mine.ipynb"), TOPIC, MOST) == ({TOPIC: b"four"}, "")


def test_a_branch_can_be_named(tmp_path: Path) -> None:
    found = source(tmp_path)
    push(Path(found.repository), {NOTEBOOK: b"on a branch"}, branch="hand-in/1")
    assert notebooks_of(Source("ada", found.repository, ref="hand-in/1"), TOPIC, MOST) == ({TOPIC: b"on a branch"}, "")
    assert "remote ref nowhere" in refused(Source("ada", found.repository, ref="nowhere"))


def test_nothing_but_the_notebook_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside it lies a file that there is no room for; a server that sends it all the same is stopped."""
    monkeypatch.setattr(git_module, "TRANSFER_BYTES", 1 << 20)
    found = source(tmp_path, {NOTEBOOK: b"one", "data.bin": os.urandom(2 << 20)})
    assert notebooks_of(found, TOPIC, MOST) == ({TOPIC: b"one"}, "")
    git(Path(found.repository), "config", "uploadpack.allowFilter", "false")
    assert refused(found).startswith("its commit holds more than")


def test_what_is_no_file_of_the_right_size_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden", encoding="ascii")
    assert refused(source(tmp_path / "a", {NOTEBOOK: ("120000", str(secret))})) == f"{NOTEBOOK} is a link and no file"
    linked: dict[str, Entry] = {TOPIC: ("120000", str(tmp_path)), "x": b""}
    assert "holds no" in refused(source(tmp_path / "b", linked))
    module: dict[str, Entry] = {NOTEBOOK: ("160000", "1" * 40)}
    assert refused(source(tmp_path / "c", module)) == f"{NOTEBOOK} is a submodule and no file"
    assert refused(source(tmp_path / "d", {f"{NOTEBOOK}/x": b""})) == f"{NOTEBOOK} is a folder and no file"
    assert refused(source(tmp_path / "e", {NOTEBOOK: b"12345"}), most=4).startswith(f"{NOTEBOOK} has 5 bytes")
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    assert "Git LFS" in refused(source(tmp_path / "f", {NOTEBOOK: pointer}))
    assert refused(source(tmp_path / "g", {"x": b""})) == f"holds no {NOTEBOOK} and no {TOPIC}/{NOTEBOOK}"


def test_no_code_of_the_repository_or_of_its_settings_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = source(tmp_path, {NOTEBOOK: b"raw", ".gitattributes": b"* filter=evil text eol=crlf", ".gitmodules": b"[x"})
    mark = tmp_path / "ran"
    config = tmp_path / "config"
    run = f"touch {mark}"
    config.write_text(
        f'[filter "evil"]\n\tsmudge = {run}\n[core]\n\tfsmonitor = {run}\n\tsshCommand = {run}\n', "ascii"
    )
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    (template / "reference-transaction").write_text(f"#!/bin/sh\n{run}\n", encoding="ascii")
    (template / "reference-transaction").chmod(0o700)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template.parent))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert notebooks_of(found, TOPIC, MOST) == ({TOPIC: b"raw"}, "")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("-u/tmp/x", "is no address"),
        ("--upload-pack=touch /tmp/x", "is no address"),
        ("ext::sh -c touch% /tmp/x", "is no address"),
        ("ext::x", "is no address"),
        ("http://example.org/a.git", "only https, ssh and file"),
        ("git://example.org/a.git", "only https, ssh and file"),
        ("relative/a.git", "only https, ssh and file"),
        ("https://token@example.org/a.git", "GIT_ASKPASS"),
        ("https://me:token@example.org/a.git", "GIT_ASKPASS"),
        ("ssh://-oProxyCommand=x/a.git", "has no host"),
        ("https:///a.git", "has no host"),
        ("https://[x/a.git", "is no address"),
        ("https://example.org/a.git\n", "is no address"),
        ("me@-oProxyCommand=x:a.git", "only https"),
        ("git@example.org:-x/a.git", "only https"),
    ],
)
def test_an_address_that_could_mean_something_else_is_refused(url: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Source("ada", url)


@pytest.mark.parametrize(
    "url", ["https://github.com/c/a.git", "ssh://git@h:22/a.git", "git@github.com:c/a.git", "/a", "file:///a"]
)
def test_usual_addresses_are_taken(url: str) -> None:
    assert Source("ada", url).repository == url


@pytest.mark.parametrize(
    "more", [{"ref": "-x"}, {"ref": "a..b"}, {"ref": "a:b"}, {"path": "../a"}, {"path": "/a"}, {"path": "a//b"}]
)
def test_odd_refs_and_paths_are_refused(more: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="write it as in"):
        Source("ada", "/a", **more)


def test_a_server_that_hangs_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nexec sleep 1000\n", encoding="ascii")
    ssh.chmod(0o700)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    monkeypatch.setattr(git_module, "SECONDS", 1.0)
    begun = time.monotonic()
    assert refused(Source("ada", "ssh://git@example.invalid/a.git")) == "took more than 1 s"
    assert time.monotonic() - begun < 60


def test_the_password_comes_from_the_program_that_git_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the address; the message is git's and names no secret."""
    monkeypatch.setenv("GIT_ASKPASS", "/bin/true")
    kept = git_module._environment()
    assert kept["GIT_ASKPASS"] == "/bin/true"
    assert kept["GIT_TERMINAL_PROMPT"] == "0"
    assert refused(Source("ada", "https://127.0.0.1:1/a.git")).startswith("git fetch: fatal:")


# ------------------------------------------------------------------------------------ a server with a password


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitServer]:
    """A host of private repositories, whose password git gets as in CI."""
    repository = bare(tmp_path / "served" / "ada.git")
    push(repository, {NOTEBOOK: b"private"})
    trusted = certificate(tmp_path)
    with git_server(repository.parent, trusted, "oauth2", "the-password") as found:
        ask = tmp_path / "ask"
        ask.write_text(program(found.address, "oauth2"), encoding="utf-8")
        ask.chmod(0o700)
        monkeypatch.setenv("GIT_ASKPASS", str(ask))
        monkeypatch.setenv("GIT_SSL_CAINFO", str(trusted))
        yield found


def test_a_private_repository_is_collected_with_its_password(
    host: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [Source("ada", f"{host.address}/ada.git")]
    monkeypatch.setenv("GIT_PASSWORD", "another")
    assert set(collect(sources, tmp_path / "submitted", TOPIC, MOST).problems) == {"ada"}
    monkeypatch.setenv("GIT_PASSWORD", "the-password")
    found = collect(sources, tmp_path / "submitted", TOPIC, MOST)
    assert (found.new, found.problems) == (("ada",), {})
    assert (tmp_path / "submitted" / "ada" / TOPIC / NOTEBOOK).read_bytes() == b"private"


def test_a_server_does_not_choose_what_the_password_opens(
    host: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What eve's server answers leads to ada's private repository."""
    monkeypatch.setenv("GIT_PASSWORD", "the-password")
    with git_server(tmp_path, tmp_path / "server.pem", "eve", "x") as eves:
        eves.moved["/eve.git"] = f"{host.address}/ada.git"
        found = collect([Source("eve", f"{eves.address}/eve.git")], tmp_path / "submitted", TOPIC, MOST)
    assert found.new == ()
    assert "put that in the roster" in found.problems["eve"]
    assert eves.asked
    assert host.asked == []


# ------------------------------------------------------------------------------------ a class


def test_one_bad_repository_stops_nobody(tmp_path: Path) -> None:
    good, empty = source(tmp_path), bare(tmp_path / "empty.git")
    sources = [good, Source("bob", str(tmp_path / "nowhere")), Source("eve", str(empty))]
    found = collect(sources, tmp_path / "submitted", TOPIC, MOST)
    assert (found.new, found.unchanged, set(found.problems)) == (("ada",), (), {"bob", "eve"})
    assert (tmp_path / "submitted" / "ada" / TOPIC / NOTEBOOK).read_bytes() == b"one"
    assert not (tmp_path / "submitted" / "bob").exists()


def test_a_commit_without_a_date_stops_nobody(tmp_path: Path) -> None:
    repository = bare(tmp_path / "eve.git")
    whole = git(repository, "cat-file", "commit", push(repository, {NOTEBOOK: b"x"}))
    undated = "\n".join(line.partition(">")[0] + ">" if "@" in line else line for line in whole.split("\n")) + "\n"
    made = git(repository, "hash-object", "-t", "commit", "--literally", "-w", "--stdin", data=undated.encode())
    git(repository, "update-ref", "refs/heads/main", made)
    sources = [Source("eve", str(repository)), source(tmp_path)]
    found = collect(sources, tmp_path / "submitted", TOPIC, MOST, datetime.now(UTC) + HOUR)
    assert found.new == ("ada",)
    assert found.problems == {"eve": "its newest commit has no date; it must be committed once more"}


def test_what_nobody_foresaw_is_one_students_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(found: Source, *_: object) -> tuple[dict[str, bytes], str]:
        if found.student == "eve":
            raise RecursionError("so\x1b deep")
        return {TOPIC: b"one"}, ""

    monkeypatch.setattr("autograder.collecting.collect.notebooks_of", fetched)
    found = collect([Source("eve", "/e"), Source("ada", "/a")], tmp_path, TOPIC, MOST)
    assert (found.new, found.problems) == (("ada",), {"eve": "RecursionError: so\\x1b deep"})


def test_what_a_server_says_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a flood the end is read, and a flood beyond the bound on files is cut off."""
    ssh = tmp_path / "ssh"
    ssh.write_text(
        "#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x >&2\necho >&2\necho fatal: the end >&2\n", "ascii"
    )
    ssh.chmod(0o700)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    read = list[int]()
    complaint = git_module._complaint

    def complained(action: str, code: int, err: bytes) -> NotCollected:
        read.append(len(err))
        return complaint(action, code, err)

    monkeypatch.setattr(git_module, "_complaint", complained)
    eve = Source("eve", "ssh://git@example.invalid/a.git")
    assert refused(eve).startswith("git fetch: fatal: the end")
    monkeypatch.setattr(git_module, "TRANSFER_BYTES", 1 << 20)
    assert "the end" not in refused(eve)
    assert max(read) <= git_module.SAID_BYTES


def test_a_commits_date_dates_nothing_and_what_is_unchanged_stays(tmp_path: Path) -> None:
    repository, submitted = bare(tmp_path / "a.git"), tmp_path / "submitted"
    sources = [Source("ada", str(repository))]
    push(repository, {NOTEBOOK: b"one"}, "2001-01-01T00:00:00+0000")
    before = datetime.now(UTC).replace(microsecond=0)
    assert collect(sources, submitted, TOPIC, MOST).new == ("ada",)
    assert before <= stamp(submitted) <= datetime.now(UTC)
    place(submitted, TOPIC, "ada", {TOPIC: b"older"}, before - HOUR)
    place(submitted, TOPIC, "ada", {TOPIC: b"one"}, before - HOUR)
    push(repository, {NOTEBOOK: b"one", "other": b"x"})
    assert collect(sources, submitted, TOPIC, MOST).unchanged == ("ada",)
    assert stamp(submitted) == before - HOUR


def test_the_first_run_after_a_deadline_decides(tmp_path: Path) -> None:
    submitted, deadline = tmp_path / "submitted", datetime(2026, 11, 2, tzinfo=UTC)
    names = ("ada", "bob", "eve")
    repositories = {name: bare(tmp_path / f"{name}.git") for name in names}
    sources = [Source(name, str(path)) for name, path in repositories.items()]
    push(repositories["ada"], {NOTEBOOK: b"in time"}, "2026-11-01T12:00:00+0000")
    push(repositories["ada"], {NOTEBOOK: b"too late"}, "2026-11-02T12:00:00+0000")
    push(repositories["bob"], {"x": b""}, "2026-11-01T12:00:00+0000")
    first = collect(sources, submitted, TOPIC, MOST, deadline)
    assert first.new == ("ada",)
    assert "has no commit" not in first.problems["bob"]
    assert (submitted / "ada" / TOPIC / NOTEBOOK).read_bytes() == b"in time"
    assert stamp(submitted) == deadline
    for repository in repositories.values():  # dated back, and pushed when the deadline's work had been taken
        push(repository, {NOTEBOOK: b"forged"}, "2026-11-01T12:00:01+0000")
    again = collect(sources, submitted, TOPIC, MOST, deadline)
    assert (again.new, again.problems) == ((), {})
    late = collect(sources, submitted, TOPIC, MOST)
    assert late.new == names
    assert all(stamp(submitted, name) > deadline + HOUR for name in names)


def test_a_student_whose_server_was_away_is_asked_again(tmp_path: Path) -> None:
    submitted, deadline = tmp_path / "submitted", datetime(2026, 11, 2, tzinfo=UTC)
    sources = [Source("ada", str(tmp_path / "ada.git"))]
    assert set(collect(sources, submitted, TOPIC, MOST, deadline).problems) == {"ada"}
    source(tmp_path)
    assert collect(sources, submitted, TOPIC, MOST, deadline).new == ("ada",)


def test_a_damaged_list_of_deadlines_is_said(tmp_path: Path) -> None:
    path = tmp_path / ".collected" / f"{TOPIC}.json"
    path.parent.mkdir()
    path.write_text("[]", encoding="ascii")
    with pytest.raises(UsageError, match="put it back from a copy"):
        collect([], tmp_path, TOPIC, MOST)


# ------------------------------------------------------------------------------------ rosters


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name,repository\nada,/a\n", r"^roster .*line 1: it must name the column 'student'"),
        ("student,team\nada,red\n", "has no column 'repository'; its first line is student,repository"),
        ("student,repository\n", "lists nobody"),
        ("student,repository\nada,\n", "names no repository; write one into the column 'repository'"),
        ("student,repository\n../x,/a\n", r"line 2: student is '\.\./x': write the name of the student's folder"),
        ("student,repository\nada,/a\nada,/b\n", "line 3: student is 'ada': line 2 has it already"),
        ("student,repository\nada,ext::x\n", "ada: repository 'ext::x'"),
    ],
)
def test_a_roster_that_is_none_is_refused_by_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=why):
        read_sources(path)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffstudent,email,repository,ref\r\n Ädä ,x@y,/a,main\r\n\r\nbob,,/b\r\neve,,\r\n",
        "Assignment Name;Student;Repository;Ref;\nA;Ädä;/a;main\nB;bob;/b\n;eve\n",
    ],
    ids=["with a mark", "a platform's, with semicolons"],
)
def test_a_spreadsheets_roster_is_read_by_both_that_read_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode())
    assert read_sources(path) == ([Source("Ädä", "/a", "main"), Source("bob", "/b")], ["eve"])
    assert list(read_roster(path)) == ["Ädä", "bob", "eve"]


# ------------------------------------------------------------------------------------ the command


def test_the_command_collects_and_names_who_is_missing(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    run = cold_runner(course.root)
    found = source(tmp_path)
    roster = tmp_path / "roster.csv"
    roster.write_text(f"student,repository\nada,{found.repository}\nbob,{tmp_path}/nowhere\neve,\n", encoding="utf-8")
    done = run("collect", TOPIC, "--git", str(roster), code=1)
    assert done.stdout == "1 student of the roster without a repository, left out\n1 new notebook, 0 unchanged\n"
    assert "bob: git fetch: fatal:" in done.stderr
    assert (course.submitted / "ada" / TOPIC / NOTEBOOK).read_bytes() == b"one"
    assert "--git ROSTER.csv" in run("collect", TOPIC, code=2).stderr
    assert "time zone" in run("collect", TOPIC, "--git", str(roster), "--until", "2026-12-01T10:00", code=2).stderr
    assert "is no time" in run("collect", TOPIC, "--git", str(roster), "--until", "soon", code=2).stderr
