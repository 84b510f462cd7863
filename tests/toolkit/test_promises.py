"""The six promises of the sandbox, attacked from inside a real student process, on every kind of host."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.sandbox import policy
from tests.toolkit.hosts import ROOMY_TIERS, TIERS, Host


@pytest.fixture(scope="module")
def hosts() -> Iterator[Callable[[str], Host]]:
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda tier: stack.enter_context(contextlib.closing(Host(tier))))


@pytest.fixture(params=TIERS)
def host(request: pytest.FixtureRequest, hosts: Callable[[str], Host]) -> Host:
    return hosts(request.param)


@pytest.fixture(params=ROOMY_TIERS)
def roomy(request: pytest.FixtureRequest, hosts: Callable[[str], Host]) -> Host:
    """A host with namespaces. What a process that is alone in its cage cannot do is in ``test_promises_alone``."""
    return hosts(request.param)


# ------------------------------------------------- 1. no test, reference, submission, secret or home file is readable


def test_files_of_the_course_and_of_the_home_cannot_be_reached_by_any_path(host: Host) -> None:
    source = """
import glob, os
def probe(paths):
    roots = ["", "/proc/1/root", "/proc/1/cwd", "/proc/self/root", "/proc/self/cwd/../../..", "/proc/thread-self/root"]
    seen = []
    for path in paths:
        for root in roots:
            try:
                seen.append(open(root + path, "rb").read().decode())
            except OSError:
                pass
    return seen
"""
    paths = host.facts["files"]
    assert host.call(source, "probe", paths) == []


def test_the_root_holds_the_system_the_interpreter_and_nothing_else(roomy: Host) -> None:
    source = """
import os
def probe():
    found = []
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if not (folder == "/" and name in ("usr", "proc", "sys", "dev"))]
        folders[:] = [name for name in folders if not name.startswith(("lib", "site-packages", "share", "python"))]
        found += [os.path.join(folder, name) for name in files if name.endswith((".ipynb", ".md")) or "test" in name]
    return [sorted(os.listdir("/")), os.listdir("/run"), found]
"""
    top, run, found = roomy.call(source)
    assert {"etc", policy.HOME.strip("/"), "proc", "run", "tmp", "usr"} <= set(top)
    interpreter = {Path(path).parts[1] for path in (sys.prefix, sys.base_prefix, roomy.facts["folder"], __file__)}
    assert not ({"boot", "home", "media", "opt", "srv", "var"} - interpreter) & set(top)
    assert sorted(run) == ["box", "data"]
    assert [path for path in found if "/project/" in path and "/autograder/" not in path] == []


def test_its_memory_holds_nothing_of_the_grading_process(roomy: Host) -> None:
    source = r"""
import re
pattern = re.compile(b"canary:" + b"[0-9a-f]{32}|CANARY=" + b"[0-9a-f]")
def probe():
    found, read = [], 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            ends, rights = line.split()[:2]
            start, end = (int(part, 16) for part in ends.split("-"))
            if "r" not in rights or "w" not in rights or "[v" in line:
                continue
            while start < end:
                try:
                    memory.seek(start)
                    piece = memory.read(min(end - start, 1 << 24))
                except (OSError, ValueError, OverflowError):
                    break
                if not piece:
                    break
                read += len(piece)
                found += [match.decode() for match in pattern.findall(piece)]
                start += len(piece)
    return [found, read > 1 << 20]
"""
    assert roomy.call(source, call_seconds=60.0) == [[], True]


def test_other_processes_show_nothing(roomy: Host) -> None:
    source = """
import os
def probe():
    opened = []
    for pid in (name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()):
        for name in ("mem", "environ", "maps", "fd", "cwd", "root", "exe", "syscall", "stack", "pagemap"):
            path = f"/proc/{pid}/{name}"
            try:
                os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
                opened.append(path)
            except OSError:
                pass
    return opened
"""
    assert roomy.call(source) == []


def test_its_environment_arguments_and_descriptors_are_its_own(roomy: Host) -> None:
    source = """
import os, sys
def probe():
    links = {}
    for descriptor in range(4096):
        try:
            links[str(descriptor)] = os.readlink(f"/proc/self/fd/{descriptor}")
        except FileNotFoundError:
            pass
    arguments = " ".join(sys.orig_argv) + open("/proc/self/cmdline").read() + open("/proc/1/cmdline").read()
    return [sorted(os.environ), links, arguments]
"""
    environment, links, arguments = roomy.call(source)
    assert set(environment) <= {
        *policy.ENVIRONMENT,
        "LC_CTYPE",
        "KMP_INIT_AT_FORK",
        "KMP_DUPLICATE_LIB_OK",
        "TORCHINDUCTOR_CACHE_DIR",
    }
    assert {links[stream] for stream in "012"} == {"/dev/null"}
    assert links["3"].startswith("socket:")
    assert sorted(links) == ["0", "1", "2", "3"]
    assert roomy.canary not in arguments


def test_no_module_of_the_trusted_side_is_loaded(host: Host) -> None:
    source = """
import sys
def probe():
    return [name for name in sys.modules if name.startswith(("reference", "tests", "hypothesis", "pytest", "_pytest"))
            or (name.startswith("autograder.") and not name.startswith("autograder.sandbox"))]
"""
    assert set(host.call(source)) == set()


# ------------------------------------------------------------------------------------------------ 2. no network


def test_only_local_sockets_can_be_made(roomy: Host) -> None:
    source = """
import errno, socket
def probe():
    made, refusals = [], set()
    for family in range(46):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                socket.socket(family, kind).close()
                made.append(family)
            except OSError as error:
                refusals.add(errno.errorcode[error.errno])
    return [sorted(set(made)), sorted(refusals)]
"""
    assert roomy.call(source) == [[socket.AF_UNIX], ["EPERM"]]


def test_there_is_no_device_but_a_loopback_that_is_down_and_no_name_is_resolved(roomy: Host) -> None:
    source = """
import socket
def probe():
    try:
        names = socket.getaddrinfo("example.org", 80)
    except OSError:
        names = []
    devices = [line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:]]
    return [devices, len(names), open("/proc/net/fib_trie").read()]
"""
    assert roomy.call(source) == [["lo"], 0, ""]


def test_abstract_sockets_of_the_machine_are_out_of_reach(roomy: Host) -> None:
    name = "autograder-" + secrets.token_hex(8)
    source = """
import socket
def probe(name):
    try:
        socket.socket(socket.AF_UNIX).connect("\\0" + name)
    except ConnectionRefusedError:
        return [False, open("/proc/net/unix").read().count("@" + name)]
    return [True, 0]
"""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + name)
        listener.listen()
        assert roomy.call(source, "probe", name) == [False, 0]


# ------------------------------------------------------------------------- 3. nothing survives, nothing is shared


def test_only_its_own_scratch_space_can_be_written(roomy: Host) -> None:
    source = """
import os
def probe():
    taken = []
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders.remove("proc")
        if folder.count("/") > 5:
            folders.clear()
        try:
            open(os.path.join(folder, "left"), "x").close()
            taken.append(folder)
        except OSError:
            pass
        for name in files[:5]:
            try:
                os.close(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_NOFOLLOW))
                if name != "left":
                    taken.append(os.path.join(folder, name))
            except OSError:
                pass
    return sorted(taken)
"""
    found = roomy.call(source, call_seconds=60.0)
    devices = [path for path in found if path.startswith("/dev/") and path != "/dev/shm"]
    assert set(devices) <= set(policy.DEVICES)
    assert [path for path in found if path not in devices] == ["/dev/shm", "/notebook", "/tmp"]


def test_kernel_settings_cannot_be_written(roomy: Host) -> None:
    source = """
import os
def probe():
    opened = []
    for folder, _, files in os.walk("/proc/sys"):
        for name in files:
            try:
                os.close(os.open(os.path.join(folder, name), os.O_WRONLY))
                opened.append(os.path.join(folder, name))
            except OSError:
                pass
    for name in ("/proc/sysrq-trigger", "/proc/1/oom_score_adj", "/proc/1/coredump_filter"):
        try:
            os.close(os.open(name, os.O_WRONLY))
            opened.append(name)
        except OSError:
            pass
    return opened
"""
    assert roomy.call(source, call_seconds=60.0) == []


def test_what_one_submission_leaves_the_next_does_not_find(roomy: Host) -> None:
    source = """
import glob, multiprocessing, os, random, torch
FOLDERS = [os.path.expanduser("~"), "/tmp", "/dev/shm"]
def leave(name):
    for folder in FOLDERS:
        open(os.path.join(folder, name), "w").close()
    os.makedirs(os.path.expanduser("~/.ipython/profile_default/startup"))
    os.makedirs(os.path.expanduser("~/.local/lib"))
    semaphore = multiprocessing.get_context("fork").Semaphore()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(1234)
    return [os.path.exists(os.path.join(folder, name)) for folder in FOLDERS]
def find():
    return [[os.listdir(folder) for folder in FOLDERS], str(torch.get_default_dtype()), torch.initial_seed() == 1234]
"""
    name = "left-" + secrets.token_hex(8)
    (left,) = roomy.run(source, calls=(("leave", name),))["calls"]
    assert left == {"value": [True, True, True]}
    (found,) = roomy.run(source, calls=("find",))["calls"]
    folders, dtype, same_seed = found["value"]
    assert [set(folder) - {".ipython"} for folder in folders] == [set(), set(), set()]
    assert (dtype, same_seed) == ("torch.float32", False)
    assert [folder for folder in ("/tmp", "/dev/shm", roomy.facts["folder"]) if Path(folder, name).exists()] == []


# --------------------------------------------------------------- 4. time, memory, processes, files, output are bounded

SPIN = "def probe():\n    while True: pass"


def test_processor_time_is_bounded(host: Host) -> None:
    outcome = host.run(SPIN, calls=("probe",), cpu_seconds=1, call_seconds=60.0)["calls"][0]
    assert outcome == {"verdict": "timeout", "message": "it used more than 1 s of processor time"}


def test_processor_time_is_bounded_for_those_who_do_not_listen(host: Host) -> None:
    deaf = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\n" + SPIN
    outcome = host.run(deaf, calls=("probe",), cpu_seconds=1, call_seconds=60.0)["calls"][0]
    assert outcome == {"verdict": "timeout", "message": "it used more than 1 s of processor time"}


def test_processor_time_of_all_processes_counts_together(roomy: Host) -> None:
    source = """
import os, time
def probe():
    for _ in range(4):
        if os.fork() == 0:
            while True:
                pass
    time.sleep(600)
"""
    outcome = roomy.run(source, calls=("probe",), cpu_seconds=2, call_seconds=60.0)["calls"][0]
    assert outcome == {"verdict": "timeout", "message": "it used more than 2 s of processor time"}


def test_processor_time_of_processes_that_have_ended_counts(roomy: Host) -> None:
    source = """
import os, resource
def probe():
    while True:
        if os.fork() == 0:
            while resource.getrusage(resource.RUSAGE_SELF).ru_utime < 0.2:
                pass
            os._exit(0)
        os.wait()
"""
    outcome = roomy.run(source, calls=("probe",), cpu_seconds=1, call_seconds=60.0)["calls"][0]
    assert outcome == {"verdict": "timeout", "message": "it used more than 1 s of processor time"}


def test_a_call_has_its_wall_time(host: Host) -> None:
    source = "import time\ndef probe(): time.sleep(600)"
    outcome = host.run(source, calls=("probe",), call_seconds=0.3)["calls"][0]
    assert outcome == {"verdict": "timeout", "message": "no answer within 0.3 s"}


def test_a_call_that_masks_every_signal_and_catches_everything_ends_too(host: Host) -> None:
    source = """
import signal, time
def probe():
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass
"""
    assert host.verdict(source, call_seconds=0.3) == "timeout"


def test_a_cell_has_its_wall_time_and_the_next_one_runs(host: Host) -> None:
    outcome = host.run("import time; time.sleep(600)", "def probe(): return 1", calls=("probe",), cell_seconds=0.3)
    assert outcome["cells"] == [["timeout", "stopped after 0.3 s"], ["ok", ""]]
    assert outcome["calls"] == [{"value": 1}]


def test_a_cell_that_swallows_its_alarm_is_ended_and_left_out(host: Host) -> None:
    stubborn = "import time\nwhile True:\n  try: time.sleep(600)\n  except BaseException: pass"
    outcome = host.run(stubborn, "def probe(): return 1", calls=("probe",), cell_seconds=0.3)
    assert outcome["cells"][0][0] == "timeout"
    assert "run again without this cell" in outcome["cells"][0][1]
    assert outcome["calls"] == [{"value": 1}]


def test_a_notebook_has_its_wall_time(host: Host) -> None:
    slow = "import time; time.sleep(0.4)"
    outcome = host.run(slow, slow, slow, "def probe(): return 1", calls=("probe",), notebook_seconds=0.5)
    assert [status for status, _ in outcome["cells"]] == ["ok", "timeout", "timeout", "timeout"]
    assert outcome["cells"][3][1] == "not run: the notebook had used up its 0.5 s"
    assert outcome["calls"] == [{"verdict": "missing", "message": "probe is not defined in the notebook"}]


def test_a_submission_has_its_wall_time(host: Host) -> None:
    source = "import time\ndef probe(): time.sleep(600)"
    outcome = host.run(source, calls=("probe",) * 6, call_seconds=0.6, submission_seconds=1.0, restarts=5)
    assert {call["verdict"] for call in outcome["calls"]} == {"timeout"}


HOGS = {
    "list": "def probe():\n  kept = []\n  while True: kept.append([0] * 1000000)",
    "bytearray": "def probe(): return len(bytearray(1 << 34))",
    "numpy": "import numpy\ndef probe(): return float(numpy.ones(1 << 30).sum())",
    "torch": "import torch\ndef probe(): return torch.ones(1 << 30).sum().item()",
    "cell": "kept = [bytearray(1 << 34)]\ndef probe(): return len(kept)",
}


@pytest.mark.parametrize("kind", [kind for kind in HOGS if kind != "cell"])
def test_memory_is_bounded(host: Host, kind: str) -> None:
    assert host.verdict(HOGS[kind], memory_bytes=256 << 20) == "memory"


def test_memory_is_bounded_in_a_cell(host: Host) -> None:
    outcome = host.run(HOGS["cell"], calls=("probe",), memory_bytes=256 << 20)
    assert outcome["cells"][0][0] == "error"
    assert outcome["cells"][0][1].startswith("MemoryError")
    assert outcome["calls"][0]["verdict"] == "missing"


def test_memory_of_all_processes_counts_together(roomy: Host) -> None:
    source = """
import os, time
def probe():
    for _ in range(6):
        if os.fork() == 0:
            kept = bytearray(100 << 20)
            time.sleep(600)
    time.sleep(600)
"""
    outcome = roomy.run(source, calls=("probe",), memory_bytes=256 << 20, call_seconds=30.0)["calls"][0]
    assert outcome == {"verdict": "memory", "message": "it used more than 256 MiB of memory"}


def test_pages_that_forks_share_count_once(roomy: Host) -> None:
    source = """
import os, time
def probe():
    kept = bytearray(100 << 20)
    for _ in range(8):
        if os.fork() == 0:
            time.sleep(600)
    time.sleep(0.5)
    return len(kept)
"""
    assert roomy.call(source, memory_bytes=400 << 20) == 100 << 20


def test_memory_that_no_limit_would_count_is_refused(roomy: Host) -> None:
    source = """
import mmap, os
def tried(work):
    try:
        work()
    except OSError as error:
        return error.errno
def probe():
    return [tried(lambda: mmap.mmap(-1, 1 << 20)), tried(lambda: os.memfd_create("x")), os.path.exists("/dev/zero")]
"""
    assert roomy.call(source) == [1, 1, False]


def test_scratch_space_is_bounded_over_all_folders(roomy: Host) -> None:
    source = """
import os
def probe():
    written = 0
    for folder in (os.path.expanduser("~"), "/tmp", "/dev/shm"):
        try:
            with open(os.path.join(folder, "x"), "wb", 0) as file:
                while True:
                    written += file.write(bytes(1 << 20))
        except OSError as error:
            code = error.errno
    return [written >> 20, code]
"""
    assert roomy.call(source, scratch_bytes=16 << 20) == [16, 28]


def test_one_file_is_bounded_in_size(host: Host) -> None:
    source = """
def probe():
    with open("x", "wb", 0) as file:
        written = 0
        try:
            while True:
                written += file.write(bytes(1 << 20))
        except OSError as error:
            return [written >> 20, error.errno]
"""
    assert host.call(source, file_bytes=4 << 20) == [4, 27]


def test_files_are_bounded_in_number(roomy: Host) -> None:
    source = """
def probe():
    made = 0
    try:
        while True:
            open(f"/tmp/{made}", "x").close()
            made += 1
    except OSError as error:
        return [made < 100, error.errno]
"""
    assert roomy.call(source, scratch_files=100) == [True, 28]


def test_descriptors_are_bounded_in_number(host: Host) -> None:
    source = """
import os
def probe():
    kept = []
    try:
        while True:
            kept.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        found = [len(kept) < 50, error.errno]
        for descriptor in kept:
            os.close(descriptor)
        return found
"""
    assert host.call(source, open_files=50) == [True, 24]


def test_processes_are_bounded(roomy: Host) -> None:
    source = """
import os, time
def probe():
    made = 0
    try:
        while True:
            if os.fork() == 0:
                time.sleep(600)
            made += 1
    except BlockingIOError:
        return made
"""
    assert 1 <= roomy.call(source, processes=20) <= 20


def test_threads_are_bounded(host: Host) -> None:
    source = """
import threading
def probe():
    made, gate = 0, threading.Event()
    try:
        while True:
            threading.Thread(target=gate.wait, daemon=True).start()
            made += 1
    except RuntimeError:
        gate.set()
        return made
"""
    assert 1 <= host.call(source, processes=20) <= 20


def test_a_fork_bomb_ends_with_its_submission(roomy: Host) -> None:
    source = "import os\ndef probe():\n  while True:\n    try: os.fork()\n    except OSError: pass"
    assert roomy.verdict(source, processes=20, call_seconds=0.5) == "timeout"
    assert roomy.call("def probe(): return 1") == 1


def test_a_flood_of_output_costs_nobody_anything(host: Host) -> None:
    source = """
import os, sys
def probe():
    for _ in range(200):
        print("x" * 1000000)
        sys.stderr.write("\\x1b]52;c;x\\x07" * 1000)
        os.write(1, b"PASSED\\n" * 10000)
        os.write(2, b"PASSED\\n" * 10000)
    return 1
"""
    assert host.call(source, call_seconds=60.0) == 1


# ----------------------------------------------------------------------------- 5. no process survives its submission


def running(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def test_a_daemon_ends_with_its_submission(roomy: Host) -> None:
    source = """
import os, subprocess, time
def probe(mark):
    ready, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.dup2(os.open("/dev/null", os.O_RDWR), 3)
            os.write(tell, b"x")
            os.execv("/usr/bin/env", ["env", "-", "sleep", mark])
        os._exit(0)
    os.wait()
    os.read(ready, 1)
    return True
"""
    mark = f"9{secrets.randbelow(10**12)}"
    assert roomy.call(source, "probe", mark) is True
    assert running(mark) == []


def test_nobody_can_end_or_stop_the_init(roomy: Host) -> None:
    source = """
import os, signal
def probe():
    refused = 0
    for number in (1, 2, 9, 10, 14, 15, 17, 19, 20, 24):
        try:
            os.kill(1, number)
        except PermissionError:
            refused += 1
    return [os.getpid(), os.getppid()]
"""
    outcome = roomy.run(source, calls=("probe", "probe"))
    assert outcome["calls"] == [{"value": [2, 1]}, {"value": [2, 1]}]


# --------------------------------------------------------------- 6. no power over the grader, the machine, the others


def test_it_has_no_privileges_and_cannot_gain_any(roomy: Host) -> None:
    source = """
import os
def probe():
    status = dict(line.rstrip("\\n").split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
    powers = {name: int(value, 16) for name, value in status.items() if name.startswith("Cap")}
    loose = [line for line in open("/proc/self/mounts") if "nosuid" not in line.split()[3] and line.split()[1] != "/"]
    adjustment = open("/proc/self/oom_score_adj").read()
    ids = [os.getresuid(), os.getresgid(), os.getgroups()]
    return [*ids, powers, status["NoNewPrivs"], status["Seccomp"], loose, adjustment]
"""
    users, groups, others, powers, no_new, seccomp, loose, adjustment = roomy.call(source)
    assert len({*users, *groups}) == 1
    assert users[0] not in (0, os.getuid())
    assert set(others) <= {65534}  # a user namespace shows groups it does not know so
    assert set(powers.values()) == {0}
    assert (no_new, seccomp) == ("1", "2")
    assert [line for line in loose if line.split()[1] not in policy.DEVICES] == []
    assert adjustment == "1000\n"


def numbers(names: tuple[str, ...]) -> dict[str, int]:
    library = ctypes.CDLL("libseccomp.so.2")
    found = {name: library.seccomp_syscall_resolve_name(name.encode()) for name in names}
    return {name: number for name, number in found.items() if number >= 0}


def test_every_listed_system_call_is_refused(host: Host) -> None:
    source = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def probe(table):
    answers = {}
    for name, number in table.items():
        ctypes.set_errno(0)
        result = libc.syscall(number, -1, -1, -1, -1, -1, -1)
        answers[name] = ctypes.get_errno() if result == -1 else "allowed"
    return answers
"""
    table = numbers(policy.DENIED_SYSCALLS)
    assert len(table) > 60
    answers = host.call(source, "probe", table)
    assert {name for name, code in answers.items() if code != 1} == set()


def test_system_calls_younger_than_the_filter_are_refused(host: Host) -> None:
    source = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def probe(numbers):
    answers = []
    for number in numbers:
        ctypes.set_errno(0)
        libc.syscall(number, -1, -1, -1, -1, -1, -1)
        answers.append(errno.errorcode.get(ctypes.get_errno(), "none"))
    return answers
"""
    listed = [policy.LATE_SYSCALLS[name] for name in policy.LATE_SYSCALLS if name in policy.DENIED_SYSCALLS]
    assert len(listed) > 5
    assert set(host.call(source, "probe", listed)) == {"EPERM"}
    assert set(host.call(source, "probe", list(policy.UNKNOWN_SYSCALLS))) == {"ENOSYS"}


def test_new_namespaces_are_refused_on_every_road(host: Host) -> None:
    source = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def probe(unshare, clone, clone3, prlimit):
    codes = []
    for bit in (7, 17, 25, 26, 27, 28, 29, 30):
        for call in (lambda: libc.syscall(unshare, 1 << bit), lambda: libc.syscall(clone, 1 << bit | 17, 0, 0, 0, 0)):
            ctypes.set_errno(0)
            result = call()
            codes.append(ctypes.get_errno() if result == -1 else "allowed")
    libc.syscall(clone3, 0, 0)
    codes.append(ctypes.get_errno())
    libc.syscall(prlimit, 1, 0, 0, 0)
    return [codes[:-1], codes[-1], ctypes.get_errno()]
"""
    table = numbers(("unshare", "clone", "clone3", "prlimit64"))
    codes, clone3, prlimit = host.call(source, "probe", *table.values())
    assert set(codes) == {1}
    assert clone3 == 38  # ENOSYS: the C library then uses clone, whose flags can be read
    assert prlimit == 1


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the code is x86 machine code")
def test_the_32_bit_door_into_the_kernel_ends_the_process(host: Host) -> None:
    source = """
import ctypes, mmap
def probe():
    code = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3]))  # mov eax, getpid; int 0x80; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)()
"""
    outcome = host.run(source, calls=("probe",))["calls"][0]
    assert outcome == {"verdict": "crashed", "message": "the notebook's process was ended by signal 31"}
