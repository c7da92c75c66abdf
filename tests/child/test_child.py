"""One child: what it says is bounded, and nothing of it outlives its time, its stop or its program."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from child_kit import ANSWER, INSPECT, NOTHING_FOUND, answer_of, marked_processes, stand_in, until

from memmon.child import AnsweredError, Child, channel
from memmon.child.channel import ANSWER_LIMIT_BYTES
from memmon.child.interpreter import Interpreter, find_interpreter
from memmon.child.mark import MARK_VARIABLE
from memmon.child.requests import Check, Inspect, Inspected, RenderReport, SnapshotColumns
from memmon.errors import ChildError

ROOT = Path(__file__).resolve().parents[2]


def test_it_answers():
    """A child started with the real interpreter answers, and leaves nothing behind."""
    child = Child(INSPECT, interpreter=find_interpreter(serves_itself=False), timeout_seconds=60.0)
    assert answer_of(child) == NOTHING_FOUND
    assert marked_processes() == []


def test_an_answered_failure_is_told_apart():
    """A child that ran and failed at its task answers with the kind of the error."""
    request = Check(
        database="sqlite:////nowhere/at/all.db",
        source="bot",
        leak_check=True,
        daily_report=True,
        threshold_mb_per_hour=10.0,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        look_at_all_pages=False,
    )
    child = Child(request, interpreter=find_interpreter(serves_itself=False), timeout_seconds=60.0)
    with pytest.raises(AnsweredError) as caught:
        answer_of(child)
    assert caught.value.kind == "StoreNotFoundError"


@pytest.mark.parametrize("channel", ["1", "2"])
def test_a_flood_is_ended(tmp_path, channel):
    """A child that says without end is ended with one sentence, and little of it is kept."""
    before = psutil.Process().memory_info().rss
    flood = stand_in(tmp_path, f"exec yes {'A' * 100} >&{channel}")
    child = Child(INSPECT, interpreter=flood, timeout_seconds=60.0)
    with pytest.raises(ChildError, match="said more than"):
        answer_of(child)
    assert marked_processes() == []
    assert psutil.Process().memory_info().rss - before < 3 * ANSWER_LIMIT_BYTES


def test_a_long_answer_comes_whole(tmp_path):
    """An answer much longer than a pipe holds, below the bound, is taken whole."""
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"command": "report", "text": "x" * 3_000_000}), encoding="utf-8")
    nothing = SnapshotColumns(
        timestamp=(),
        uptime_seconds=(),
        rss_mb=(),
        vms_mb=(),
        percent=(),
        available_mb=(),
        deque_sizes={},
        counters={},
    )
    request = RenderReport(
        snapshots=nothing,
        deques=(),
        threshold_mb_per_hour=10.0,
        source="bot",
        database="sqlite:////nowhere/at/all.db",
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )
    child = Child(request, interpreter=stand_in(tmp_path, f"exec cat {answer}"), timeout_seconds=60.0)
    assert len(answer_of(child).text) == 3_000_000


def test_a_long_request_arrives_whole(tmp_path):
    """A request much longer than a pipe holds reaches the child, piece by piece."""
    echo = stand_in(tmp_path, "head -n 1 | wc -c")
    request = Inspect(database="x" * 3_000_000, in_all_pages=False)
    child = Child(request, interpreter=echo, timeout_seconds=60.0)
    found = []
    with pytest.raises(ChildError, match="an answer that is none"):
        answer_of(child)
    # `wc` answers a bare number, which is no answer; what it counted stands in what was read.
    found.append(int(child._out.content.decode()))
    assert found[0] > 3_000_000


def test_a_time_limit_on_the_programs_sockets_is_none_of_the_childs(monkeypatch):
    """A request in pieces, and one that comes late, arrive whole in a program that limits all its sockets' time."""
    say = channel.Lifeline.say

    def say_late(lifeline, request):
        time.sleep(0.3)  # the child waits for it by then
        say(lifeline, request)

    monkeypatch.setattr(channel.Lifeline, "say", say_late)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5.0)
    try:
        request = Inspect(database="sqlite:////nowhere/" + "x" * 1_000_000, in_all_pages=False)
        child = Child(request, interpreter=find_interpreter(serves_itself=False), timeout_seconds=60.0)
        assert answer_of(child) == NOTHING_FOUND
    finally:
        socket.setdefaulttimeout(before)


class _RefusedSocket(socket.socket):
    def __init__(self, *_, **__):
        raise AssertionError("a socket of the program's class was made")


def test_the_programs_own_class_of_sockets_is_not_used(tmp_path, monkeypatch):
    """A program that replaced the class of sockets (by a proxy's, by a guard) has its children all the same."""
    monkeypatch.setattr(socket, "socket", _RefusedSocket)
    program = stand_in(tmp_path, f"read line; echo '{ANSWER}'")
    child = Child(INSPECT, interpreter=program, timeout_seconds=60.0)
    assert answer_of(child) == NOTHING_FOUND


@pytest.mark.parametrize("end", ["time limit", "stop", "answer"])
def test_all_that_it_started_ends_with_it(tmp_path, end):
    """The processes that a child starts end with it: at its time limit, when it is stopped, when it answers."""
    body = "sleep 97 &\n sleep 97 &\n" + (f"echo '{ANSWER}'" if end == "answer" else "exec sleep 97")
    child = Child(
        INSPECT, interpreter=stand_in(tmp_path, body), timeout_seconds=0.5 if end == "time limit" else 60.0
    )
    if end == "answer":
        assert answer_of(child) == NOTHING_FOUND
    else:
        assert until(lambda: len(marked_processes()) >= 3)
    if end == "time limit":
        with pytest.raises(ChildError, match=r"took longer than 0.5 s"):
            answer_of(child)
    if end == "stop":
        child.kill()
        with pytest.raises(ChildError, match="ended"):
            child.poll()
    assert until(lambda: marked_processes() == [])


def test_a_group_of_its_own_in_the_session_ends_too(tmp_path):
    """A process that left the child's group but not its session ends with it."""
    code = "import os, time; os.setpgid(0, 0); time.sleep(97)"
    body = f'{sys.executable} -c "{code}" &\nexec sleep 97'
    child = Child(INSPECT, interpreter=stand_in(tmp_path, body), timeout_seconds=60.0)

    def has_left():
        return any(
            os.getpgid(one.pid) == one.pid for one in marked_processes() if one.pid != child._process.pid
        )

    assert until(has_left)
    child.kill()
    assert until(lambda: marked_processes() == [])


PROGRAM = """
import os, sys, time
from memmon.child import Child
from memmon.child.interpreter import find_interpreter
from memmon.child.requests import Inspect
request = Inspect(database="sqlite:////nowhere/at/all.db", in_all_pages=False)
child = Child(request, interpreter=find_interpreter(serves_itself=False), timeout_seconds=60.0)
print(child._process.pid, flush=True)
if sys.argv[1] == "fork" and os.fork() == 0:
    child.abandon()  # as the hooks of a recorder do
    time.sleep(60)
time.sleep(60)
"""


@pytest.mark.parametrize("is_forked", [False, True])
def test_it_ends_with_its_program(tmp_path, is_forked):
    """A child whose program is killed ends within seconds, also when a process forked from it lives on."""
    # The command hangs in the child, so that its end does not come by itself.

    code = PROGRAM.replace(
        "import os, sys, time",
        "import os, sys, time\nimport memmon.child.bootstrap as bootstrap\n"
        "bootstrap.CODE = bootstrap.CODE.replace('from memmon.tasks.serve import answer', "
        "'from memmon.tasks import serve; serve.perform = lambda request: __import__(\"time\").sleep(60); '"
        "'answer = serve.answer')",
    )
    (tmp_path / "program.py").write_text(code, encoding="utf-8")
    program = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py"), "fork" if is_forked else "alone"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    with program:
        pid = int(program.stdout.readline())
        child = psutil.Process(pid)
        assert until(lambda: len(child.threads()) >= 3)  # it is at work, and watches
        os.kill(program.pid, signal.SIGKILL)
        assert until(lambda: not psutil.pid_exists(pid) or child.status() == psutil.STATUS_ZOMBIE)
        os.killpg(program.pid, signal.SIGKILL)


def test_it_ends_with_its_program_while_it_is_still_loading(tmp_path):
    """A child that hangs in a hook of a package, before it is asked anything, ends with its program too, with what it started."""
    (tmp_path / "__editable__hang.pth").write_text(
        "import subprocess, time; subprocess.Popen(['sleep', '97']); time.sleep(97)\n", encoding="utf-8"
    )
    code = (
        "import sys\nsys.path.append(sys.argv[2])\n"
        "class Hook:\n    find_spec = staticmethod(lambda *_, **__: None)\n"
        "Hook.__module__ = '__editable___hang_finder'\nsys.meta_path.append(Hook)\n"
    )
    (tmp_path / "program.py").write_text(code + PROGRAM, encoding="utf-8")
    program = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py"), "alone", str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with program:
        pid = int(program.stdout.readline())
        assert until(lambda: len(marked_processes()) == 2)  # it hangs, and has started another
        assert pid in {one.pid for one in marked_processes()}
        program.kill()
        assert until(lambda: marked_processes() == [])


def test_an_answer_too_deep_to_be_read_is_none(tmp_path):
    """An answer of a hundred thousand brackets is a failure of the child like any other."""
    body = "head -c 100000 /dev/zero | tr '\\0' '['"
    child = Child(INSPECT, interpreter=stand_in(tmp_path, body), timeout_seconds=60.0)
    with pytest.raises(ChildError, match="ended with code 0"):
        answer_of(child)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_holds_nothing_of_it(tmp_path):
    """A process forked from the program, told to forget the child, holds none of its channels open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    child = Child(INSPECT, interpreter=stand_in(tmp_path, "exec sleep 97"), timeout_seconds=60.0)
    pid = os.fork()
    if pid == 0:
        child.abandon()
        os._exit(len(list(Path("/proc/self/fd").iterdir())) - before)
    try:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert child.poll() is None
    finally:
        child.kill()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(("is_hidden", "how"), [(False, "with code 4"), (True, "without an answer")])
def test_a_reader_that_has_ended_kills_nobody(tmp_path, is_hidden, how):
    """A child that ends before it reads its request does no harm to a program with SIGPIPE's default."""
    (tmp_path / "gone").write_text("#!/bin/sh\nexit 4\n", encoding="utf-8")
    (tmp_path / "gone").chmod(0o755)
    code = f"""
        import signal, time
        from memmon.child import Child, hidden
        from memmon.child.interpreter import Interpreter
        from memmon.child.requests import Inspect
        from memmon.errors import ChildError
        hidden.is_possible = lambda: {is_hidden}
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        request = Inspect(database="x" * 5_000_000, in_all_pages=False)
        child = Child(request, interpreter=Interpreter(path="./gone"), timeout_seconds=30.0)
        try:
            while child.poll() is None:
                time.sleep(0.01)
        except ChildError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stdout) == (0, f"the analysis process ended {how}: no word\n"), done


def test_a_number_that_is_anothers_by_now_is_left_alone(tmp_path):
    """When the program has waited for the child itself, and its number is another's, nobody is ended."""
    child = Child(INSPECT, interpreter=stand_in(tmp_path, "exit 0"), timeout_seconds=60.0)
    os.waitpid(child._process.pid, 0)
    began = time.monotonic()
    assert until(lambda: time.monotonic() - began > 0.05)  # a process's start is told in ticks of 10 ms
    stranger = subprocess.Popen(["sleep", "97"], start_new_session=True)
    try:
        child._session.leader_pid = stranger.pid
        child._session.kill()
        assert not child._session.has_members()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
        child.kill()


def test_a_packed_program_is_asked_by_its_flag(tmp_path):
    """A program that serves as its own child is started with one argument and the mark."""
    said = '{\\"command\\": \\"inspect\\", \\"damage\\": \\"$* $' + MARK_VARIABLE + '\\"}'
    program = Interpreter(path=stand_in(tmp_path, f'echo "{said}"').path, is_program=True)
    child = Child(INSPECT, interpreter=program, timeout_seconds=60.0)
    assert answer_of(child) == Inspected(damage="--memmon-child 1")
