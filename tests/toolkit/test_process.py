"""The grading process's side: what a student process may write into its socket, and what becomes of it."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.errors import AutograderError, GraderError, IsolationError, ProcessDied
from autograder.model import Limits, Verdict
from autograder.sandbox import launch
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.sandbox.wire import HEADER, MAGIC
from autograder.testing.student import Student
from tests.toolkit.hosts import ROOT, notebook

PRELUDE = f"""
import os, struct, sys, time
from autograder.sandbox.wire import encode
MAGIC = {MAGIC}
def write(data):
    while data:
        data = data[os.write(3, data):]
def number():
    frame = sys._getframe()
    while "number" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["number"]
def frame(body, number, magic=MAGIC, length=None):
    return struct.pack("<IQQ", magic, number, len(body) if length is None else length) + body
OK = encode({{"status": "ok", "value": 1, "modified": [], "aliases": [], "requires_grad": []}})
"""

SLOWLY = "[(os.write(3, b'%c' % b), time.sleep(0.2))"
KILL = "os.kill(-1, 9); os.kill(os.getpid(), 9)"
DESCRIPTORS = """
    import array, socket
    streams = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0, 1, 2]))
    socket.socket(fileno=os.dup(3)).sendmsg([b'x' * 20], [streams])
"""

# What a graded call does to the socket -> the verdict and the words of the message.
ATTACKS = {
    "garbage": ("write(os.urandom(4096))", "protocol", "a frame that answers no request"),
    "zeros": ("write(bytes(4096))", "protocol", "a frame that answers no request"),
    "another number": ("write(frame(OK, 12345))", "protocol", "a frame that answers no request"),
    "another magic": ("write(frame(OK, number(), magic=7))", "protocol", "a frame that answers no request"),
    "a giant length": ("write(frame(b'', number(), length=2**63))", "protocol", "a frame of 92233720368547758"),
    "a length above the limit": ("write(frame(b'', number(), length=100 << 20))", "protocol", "a frame of 104857600"),
    "no value": ("write(frame(b'?', number()))", "protocol", "unknown tag"),
    "no reply": ("write(frame(encode([1]), number()))", "protocol", "a frame that is no reply"),
    "no status": ("write(frame(encode({'value': 1}), number()))", "protocol", "a frame that is no reply"),
    "a status of its own": ("write(frame(encode({'status': 'passed'}), number()))", "protocol", "that is no reply"),
    "a status that is no text": ("write(frame(encode({'status': [1]}), number()))", "protocol", "that is no reply"),
    "an empty frame": ("write(frame(b'', number()))", "protocol", "the value is cut short"),
    "two frames at once": ("write(frame(OK, number()) * 2)", "protocol", "bytes after the end of a fr"),
    "half a header": ("os.write(3, b'1RGA'); time.sleep(600)", "timeout", "no answer within"),
    "half a body": ("os.write(3, frame(OK[:5], number(), length=len(OK))); time.sleep(600)", "timeout", "no answer"),
    "byte by byte": (f"{SLOWLY} for b in frame(OK, number())]", "timeout", "no answer"),
    "closing": ("os.close(3)", "crashed", "ended itself"),
    "closing and waiting": ("os.close(3); time.sleep(600)", "crashed", "ended itself"),
    "shutting down": ("import socket; socket.socket(fileno=3).shutdown(2)", "crashed", "ended itself"),
    "ending well": ("os._exit(0)", "crashed", r"ended itself \(exit status 0\)"),
    "ending badly": ("os._exit(5)", "crashed", r"ended itself \(exit status 5\)"),
    "a signal": ("os.kill(os.getpid(), 11)", "crashed", "was ended by signal 11"),
    "killing all": (f"os.fork() or time.sleep(600); {KILL}", "crashed", "was ended by signal 9"),
    "descriptors": (DESCRIPTORS, "protocol", "a frame that answers no request"),
}  # fmt: skip


FORGE = "def attack():\n  write(frame(OK, number()))\n  return 5"
DEAF = """
import sys, time
def stop(data=b""):
    sys.modules["autograder.sandbox.child"]._read = lambda *_: time.sleep(600)
    return 1
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("sandbox") as found:
        yield found


def opened(sandbox: Sandbox, *cells: str, **limits: float) -> tuple[Session, Student]:
    session = Session(sandbox, notebook(*cells), Limits(**{"call_seconds": 20.0, **limits}))  # type: ignore[arg-type]
    session.open()
    return session, Student(session)


def test_there_is_a_control(sandbox: Sandbox) -> None:
    session, student = opened(sandbox, PRELUDE + "def answer(): return 2")
    assert student.answer() == 2
    session.close()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_the_protocol_ends_its_test_and_nothing_else(sandbox: Sandbox, name: str) -> None:
    code, verdict, words = ATTACKS[name]
    pause = "time.sleep(600)" if verdict == "protocol" else "pass"  # what was written first is read alone
    cell = f"{PRELUDE}\ndef attack():\n    {code}\n    {pause}\n    return 1\ndef answer(): return 2"
    session, student = opened(sandbox, cell, call_seconds=0.8 if verdict == "timeout" else 20.0)
    with pytest.raises(ProcessDied, match=words) as death:
        student.attack()
    assert death.value.verdict == verdict
    session.revive()
    assert student.answer() == 2
    session.close()
    test_there_is_a_control(sandbox)


def test_a_forged_value_is_an_answer_and_the_true_one_then_breaks_the_protocol(sandbox: Sandbox) -> None:
    session, student = opened(sandbox, PRELUDE + FORGE)
    with pytest.raises(ProcessDied) as death:
        assert [student.attack(), student.attack()] == []
    assert death.value.verdict is Verdict.PROTOCOL
    session.close()


def test_a_thread_that_answers_between_requests_breaks_the_protocol(sandbox: Sandbox) -> None:
    attack = "def attack():\n  threading.Timer(0.05, lambda: write(frame(OK, 1))).start()\n  return 1\n"
    answer = "def answer():\n  time.sleep(600)\n"
    session, student = opened(sandbox, f"{PRELUDE}\nimport threading\n{attack}{answer}")
    assert student.attack() == 1
    with pytest.raises(ProcessDied, match="answers no request"):
        student.answer()
    session.close()


def test_a_process_that_reads_nothing_runs_into_its_deadline(sandbox: Sandbox) -> None:
    session, student = opened(sandbox, DEAF, call_seconds=0.8)
    assert student.stop() == 1
    with pytest.raises(ProcessDied, match=r"no answer within 0\.8 s"):
        student.stop(b"x" * (30 << 20))
    session.close()


def test_nothing_is_shared_between_two_sandboxes_of_one_grader() -> None:
    cell = "import os\ndef leave(): open('/dev/shm/x', 'w').close()\ndef see(): return os.listdir('/dev/shm')"
    with Sandbox("sandbox") as one, Sandbox("sandbox") as other:
        (first, a), (second, b) = opened(one, cell), opened(other, cell)
        a.leave()
        assert a.see() == ["x"]
        assert b.see() == []
        first.close()
        second.close()


def test_a_course_s_data_is_shown_read_only(tmp_path: Path) -> None:
    (tmp_path / "course" / "files").mkdir(parents=True)
    (tmp_path / "course" / "files" / "numbers.txt").write_text("1 2 3", encoding="ascii")
    (tmp_path / "course" / "secret.txt").write_text("secret", encoding="ascii")
    cell = """
import os
def read(): return open("files/numbers.txt").read()
def write():
    try:
        open("files/numbers.txt", "w")
    except OSError as error:
        return error.errno
def above(): return sorted(os.listdir("files/..")), os.path.exists("/run/data/../secret.txt")
"""
    with Sandbox("sandbox", hidden=(tmp_path / "course",), data=tmp_path / "course" / "files") as sandbox:
        session, student = opened(sandbox, cell)
        assert student.read() == "1 2 3"
        assert student.write() == 30
        assert student.above() == (["files"], False)
        session.close()


def test_the_zygote_ends_with_the_grading_process(tmp_path: Path) -> None:
    program = f"""
import sys, os
sys.path.insert(0, {str(ROOT)!r})
from autograder.sandbox import launch
from autograder.sandbox.process import Sandbox
sandbox = Sandbox("sandbox")
sandbox.wait_ready()
print(sandbox._zygote.pid, flush=True)
sys.stdin.read()
"""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True) as grader:
        assert grader.stdout is not None
        pid = int(grader.stdout.readline())
        descriptor = os.pidfd_open(pid)
        grader.send_signal(signal.SIGKILL)
    assert select.select([descriptor], [], [], 30)[0] == [descriptor]
    os.close(descriptor)


def test_a_zygote_that_is_gone_is_the_grader_s_own_failure() -> None:
    with Sandbox("sandbox") as sandbox:
        sandbox.wait_ready()
        sandbox._zygote.kill()
        sandbox._zygote.wait(30)
        with pytest.raises(GraderError, match="the sandbox's zygote"):
            sandbox.start(Limits())


def test_sandboxes_share_a_nursery_and_get_another_where_it_is_killed() -> None:
    with Sandbox("sandbox") as first, Sandbox("process") as second:
        first.wait_ready()
        second.wait_ready()
        nursery = parent_of(first._zygote.pid)
        assert nursery == parent_of(second._zygote.pid)
        descriptor = os.pidfd_open(nursery)
        os.kill(nursery, signal.SIGKILL)
        assert select.select([descriptor], [], [], 30)[0]
        os.close(descriptor)
        assert first._zygote.wait(30)
        assert second._zygote.wait(30)
        with pytest.raises(GraderError, match="the sandbox's zygote"):
            first.start(Limits())
    with Sandbox("sandbox") as third:
        third.start(Limits()).kill()
        assert parent_of(third._zygote.pid) != nursery


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])


def test_a_fork_has_a_nursery_of_its_own() -> None:
    """It may be under other rules since: a zygote from the nursery of before would not be."""
    with Sandbox("process") as ours:
        nursery = parent_of(ours._zygote.pid)
        ready, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            with Sandbox("process") as theirs:
                os.write(tell, str(parent_of(theirs._zygote.pid)).encode())
            os._exit(0)
        os.close(tell)
        with os.fdopen(ready) as said:
            assert int(said.read()) != nursery
        os.waitpid(pid, 0)
        ours.start(Limits()).kill()


@pytest.mark.parametrize(
    ("boot", "words"),
    [
        ("from autograder.sandbox import policy; policy.PRELOADED = ('no_such_library',)", "named 'no_such_library'"),
        ("raise SystemExit('the disk is on fire')", "zygote ended; its last words: the disk is on fire"),
    ],
)
def test_what_keeps_a_nursery_from_working_is_said(monkeypatch: pytest.MonkeyPatch, boot: str, words: str) -> None:
    start = "from autograder.sandbox.nursery import main; main(int(sys.argv[1]), sys.argv[2])"
    monkeypatch.setattr(launch, "_BOOT", f"import sys; sys.path.insert(0, sys.argv[2]); {boot}; {start}")
    others = launch._Shared()
    monkeypatch.setattr(launch, "shared", others.nursery)
    with Sandbox("process") as sandbox, pytest.raises(AutograderError, match=words):
        sandbox.wait_ready()
    others.close()


def test_a_zygote_shows_no_path_of_the_course(tmp_path: Path) -> None:
    with Sandbox("sandbox", hidden=(tmp_path,)) as sandbox:
        session, student = opened(sandbox, "def read(): return open('/proc/self/cmdline').read()")
        assert str(tmp_path) not in student.read()
        session.close()


def test_a_folder_that_cannot_be_shown_stops_everything(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    sandbox = Sandbox("sandbox", data=data)
    sandbox.close()
    broken = Sandbox.__new__(Sandbox)
    config = sandbox._config((), None) | {"shown": ["/does/not/exist"], "root": str(tmp_path), "entrances": []}
    broken._config = lambda *_: config  # type: ignore[method-assign]
    broken.__init__("sandbox")  # type: ignore[misc]
    with (
        broken,
        pytest.raises(IsolationError, match=r"keep the sandbox's promises.*autograder doctor.*--isolation"),
    ):
        broken.start(Limits())


def test_the_process_level_separates_memory_and_says_so() -> None:
    with Sandbox("process") as sandbox:
        session, student = opened(sandbox, "import os\ndef answer(): return os.getuid()\ndef leave(): os._exit(3)")
        assert student.answer() == os.getuid()
        with pytest.raises(ProcessDied, match=r"ended itself \(exit status 3\)"):
            student.leave()
        session.close()


def test_a_frame_has_the_layout_that_the_attacks_use() -> None:
    assert HEADER.format == "<IQQ"
    assert struct.calcsize("<IQQ") == HEADER.size
