"""The promises where no namespace can be made: a student process that sees little, writes in one place, and is alone.

What holds on every kind of host is in ``test_promises``; here is what this cage keeps by refusing.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.sandbox import policy
from tests.toolkit.hosts import LONELY_TIERS, Host


@pytest.fixture(scope="module", params=LONELY_TIERS)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    found = Host(request.param)
    yield found
    found.close()


# Work that counts as refused where it raises an OSError, by its number.
TRIED = """
import ctypes, errno, os, shutil, signal, socket, subprocess, sys, tempfile
libc = ctypes.CDLL(None, use_errno=True)
def tried(work, *arguments):
    try:
        work(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
def called(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(number, *arguments)
    return errno.errorcode[ctypes.get_errno()] if result == -1 else "done"
"""


# ------------------------------------------------------------------------------------------ 1. files


def test_no_folder_can_be_listed_but_those_of_the_system_and_the_interpreter(host: Host) -> None:
    source = TRIED + "def probe(paths): return {path: tried(os.listdir, path) for path in paths}"
    course = str(Path(host.facts["folder"]) / "course")
    paths = ["/", "/tmp", "/var", "/etc", "/root", "/home", "/proc", "/sys", "/dev", "/dev/shm", "/run", "/mnt", course]
    answers = host.call(source, "probe", paths)
    assert set(answers.values()) == {"EACCES"}
    assert host.call(source, "probe", ["/usr/lib"]) == {"/usr/lib": "done"}


def test_nothing_of_any_process_can_be_read(host: Host) -> None:
    source = (
        TRIED
        + """
def probe(grader):
    answers = set()
    for process in ("self", "1", str(os.getppid()), str(grader), "thread-self"):
        for name in ("mem", "environ", "maps", "cmdline", "status", "fdinfo/0", "root/etc/passwd", "cwd/seed"):
            answers.add(tried(lambda: open(f"/proc/{process}/{name}", "rb").read(1)))
    return sorted(answers)
"""
    )
    assert set(host.call(source, "probe", host.facts["pid"])) <= {"EACCES", "ENOENT"}


def test_its_environment_arguments_and_descriptors_are_its_own(host: Host) -> None:
    source = """
import fcntl, os, sys
def probe():
    held = []
    for descriptor in range(4096):
        try:
            fcntl.fcntl(descriptor, fcntl.F_GETFD)
            held.append(descriptor)
        except OSError:
            pass
    streams = [os.fstat(stream).st_rdev == os.stat("/dev/null").st_rdev for stream in (0, 1, 2)]
    return [sorted(os.environ), held, streams, " ".join(sys.orig_argv) + repr(dict(os.environ))]
"""
    environment, held, streams, texts = host.call(source)
    allowed = {*policy.ENVIRONMENT, "LC_CTYPE", "KMP_INIT_AT_FORK", "KMP_DUPLICATE_LIB_OK", "TORCHINDUCTOR_CACHE_DIR"}
    assert set(environment) <= allowed
    assert held == [0, 1, 2, 3]
    assert streams == [True, True, True]
    assert host.canary not in texts


def test_files_of_the_same_user_cannot_be_changed_in_any_way(host: Host) -> None:
    source = (
        TRIED
        + """
def probe(paths):
    answers = []
    for path in paths:
        folder = os.path.dirname(path)
        answers += [
            tried(lambda: open(path, "ab")), tried(lambda: open(path, "wb")), tried(os.truncate, path, 0),
            tried(os.unlink, path), tried(os.rename, path, path + "x"), tried(os.link, path, "linked"),
            tried(os.symlink, "/", folder + "/link"), tried(os.mkdir, folder + "/made"), tried(os.rmdir, folder),
            tried(os.chown, path, os.getuid(), os.getgid()), tried(os.setxattr, path, "user.x", b"1"),
        ]
        os.chmod(path, 0)  # as if it went well
        os.utime(path, (1, 1))
        libc.syscall(452, -100, path.encode(), 0, 0)  # fchmodat2
        answers.append(called(463, -100, path.encode(), 0, b"user.x", bytes(16), 16))  # setxattrat
    return sorted(set(answers))
"""
    )
    paths = host.facts["files"]
    before = host.state_of(paths)
    assert set(host.call(source, "probe", paths)) <= {"EACCES", "EPERM", "EXDEV"}
    assert host.state_of(paths) == before


# ---------------------------------------------------------------------------------------- 2. no network


def test_no_socket_can_be_made_but_a_pair(host: Host) -> None:
    source = """
import errno, socket
def probe():
    refusals = set()
    for family in range(46):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                socket.socket(family, kind).close()
                refusals.add("made")
            except OSError as error:
                refusals.add(errno.errorcode[error.errno])
    one, other = socket.socketpair()
    one.send(b"x")
    return [sorted(refusals), other.recv(1) == b"x"]
"""
    assert host.call(source) == [["EPERM"], True]


def test_the_socket_it_has_can_be_turned_to_nobody(host: Host) -> None:
    name = "autograder-" + secrets.token_hex(8)
    source = (
        TRIED
        + """
def probe(name):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socketpair(socket.AF_UNIX, kind)  # what it sends may go to any address
        except PermissionError:
            continue
        return ["done"]
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    there = "\\0" + name
    return [tried(one.connect, there), tried(one.bind, there + "x"), tried(one.sendto, b"x", there)]
"""
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        listener.setblocking(False)
        answers = host.call(source, "probe", name)
        with pytest.raises(BlockingIOError):
            listener.recv(1)
    assert answers[:2] == ["EPERM", "EPERM"]  # the third goes to the other end of the pair


# ------------------------------------------------------------------------------------- 3. nothing survives


def test_only_its_own_folders_can_be_written(host: Host) -> None:
    source = (
        TRIED
        + """
def probe(folders):
    own = [os.path.expanduser("~"), tempfile.gettempdir(), os.getcwd()]
    elsewhere = {tried(lambda: open(os.path.join(folder, "left"), "x")) for folder in folders}
    return [sorted(elsewhere), [tried(lambda: open(os.path.join(folder, "x"), "w")) for folder in own]]
"""
    )
    course = str(Path(host.facts["folder"]) / "course")
    folders = ["/", "/tmp", "/dev/shm", "/var/tmp", "/run", "/usr", "/etc", "/proc", course, host.facts["folder"], ".."]
    elsewhere, own = host.call(source, "probe", folders)
    assert set(elsewhere) <= {"EACCES", "ENOENT"}
    assert own == ["done", "done", "done"]


def test_files_work_as_in_any_folder(host: Host) -> None:
    source = (
        TRIED
        + """
import numpy, torch
def probe():
    numpy.save("a.npy", numpy.arange(3))
    torch.save(torch.arange(3), "b.pt")
    shutil.copy2("a.npy", "c.npy")
    os.makedirs("x/y")
    shutil.move("c.npy", "x/y/d.npy")
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"1")
    shutil.copytree("x", "z")
    shutil.rmtree("x")
    return [int(numpy.load("z/y/d.npy").sum()), int(torch.load("b.pt").sum())]
"""
    )
    assert host.call(source) == [3, 3]


def test_what_one_submission_leaves_the_next_does_not_find(host: Host) -> None:
    source = (
        TRIED
        + """
def leave():
    for folder in (os.path.expanduser("~"), tempfile.gettempdir()):
        os.chdir(folder)
        open("left", "w").close()
        os.makedirs(".ipython/profile_default/startup")
        os.symlink("/", "outside")
        os.mkdir("closed")
        open("closed/file", "w").close()
        os.mkdir("deep")
        os.chdir("deep")
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        os.umask(0o777)
        os.mkdir("shut")
        os.umask(0)
    return True
def find():
    return [os.listdir(folder) for folder in (os.path.expanduser("~"), tempfile.gettempdir(), os.getcwd())]
"""
    )
    assert host.call(source, "leave") is True
    assert host.call(source, "find") == [[], [], []]


# ------------------------------------------------------------------------------------------- 4. bounds


@pytest.mark.parametrize(
    "body",
    [
        "open(str(number), 'wb').write(bytes(1 << 20))",
        "open(str(number), 'w').close()",
        "os.mkdir(str(number))",
    ],
)
def test_scratch_space_is_bounded(host: Host, body: str) -> None:
    source = f"import itertools, os\ndef probe():\n  for number in itertools.count():\n    {body}"
    outcome = host.run(source, calls=("probe",), scratch_bytes=16 << 20, scratch_files=500, call_seconds=60.0)
    assert outcome["calls"] == [{"verdict": "crashed", "message": "it left more than 16 MiB or 500 files"}]


def test_memory_that_no_limit_would_count_is_refused(host: Host) -> None:
    source = (
        TRIED
        + """
import mmap
def probe():
    return [tried(mmap.mmap, -1, 1 << 20), tried(os.memfd_create, "x"), tried(lambda: open("/dev/zero", "rb"))]
"""
    )
    assert host.call(source) == ["EPERM", "EPERM", "EACCES"]


# ----------------------------------------------------------------------------------------- 5. and 6. alone


def test_no_process_can_be_started_on_any_road(host: Host) -> None:
    source = (
        TRIED
        + """
import multiprocessing
def probe(fork, vfork, clone):
    return [
        tried(os.fork), tried(subprocess.run, ["true"]), tried(os.posix_spawn, "/bin/true", ["true"], {}),
        tried(multiprocessing.get_context("fork").Process(target=int).start),
        called(clone, 17, 0, 0, 0, 0), called(clone, 0x4111, 0, 0, 0, 0), called(vfork), called(fork),
    ]
"""
    )
    assert set(host.call(source, "probe", 57, 58, 56) if os.uname().machine == "x86_64" else ["EPERM"]) == {"EPERM"}


def test_no_signal_reaches_another_process(host: Host) -> None:
    source = (
        TRIED
        + """
import fcntl
def probe(grader, tgkill, tkill, sigqueue, priority):
    others = [grader, os.getppid(), 1, 0, -1, -grader]
    answers = {tried(os.kill, other, number) for other in others for number in (0, 9, 19)}
    answers |= {called(tgkill, grader, grader, 9), called(tkill, grader, 9), called(sigqueue, grader, 9, bytes(128))}
    one, two = socket.socketpair()
    answers |= {tried(fcntl.fcntl, one, 8, grader), called(priority, 0, grader, 19)}
    answers |= {tried(os.sched_setaffinity, grader, {0}), tried(fcntl.ioctl, one, 0x8901, grader.to_bytes(4, "little"))}
    answers |= {tried(os.pidfd_open, grader)}
    os.kill(os.getpid(), 0)
    return sorted(answers)
"""
    )
    numbers = [234, 200, 129, 141] if os.uname().machine == "x86_64" else [131, 130, 138, 140]
    assert host.call(source, "probe", host.facts["pid"], *numbers) == ["EPERM"]


def test_it_has_no_privileges_and_cannot_gain_any(host: Host) -> None:
    source = (
        TRIED
        + """
def probe():
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, data)
    flags = [libc.prctl(39, 0, 0, 0, 0), libc.prctl(21, 0, 0, 0, 0)]
    gained = [tried(os.setuid, 0), tried(os.setresuid, 0, 0, 0), tried(os.chroot, "/")]
    return [os.getresuid(), os.getresgid(), list(data), flags, gained, called(157, 1, 0, 0, 0)]
"""
    )
    users, groups, powers, flags, gained, parent_death = host.call(source)
    assert len({*users, *groups}) == 1
    assert users[0] != 0
    assert (users[0] == host.facts["uid"]) is (host.tier == "plain")
    assert powers == [0] * 6
    assert flags == [1, 2]
    assert gained == ["EPERM"] * 3
    if os.uname().machine == "x86_64":
        assert parent_death == "EPERM"


def test_a_process_that_listens_to_nobody_ends_with_its_submission(host: Host) -> None:
    mark = secrets.token_hex(6)
    source = (
        TRIED
        + """
import time
def probe(mark):
    libc.prctl(15, mark.encode(), 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    os.close(3)
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass
"""
    )
    outcome = host.run(source, calls=(("probe", mark),), call_seconds=5.0)
    assert outcome["calls"][0]["verdict"] in ("crashed", "timeout")
    assert [name for name in _names_of_processes() if name == mark] == []


def _names_of_processes() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            found.append(path.read_text(encoding="utf-8", errors="replace").strip())
        except OSError:
            continue
    return found
