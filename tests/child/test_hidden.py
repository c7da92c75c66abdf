"""A child that is nobody's in the program: whoever waits there for any child is not told of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import psutil
import pytest
from child_kit import INSPECT, NOTHING_FOUND, answer_of, marked_processes, stand_in, until

from memmon.child import Child, bootstrap, hidden, process
from memmon.child.interpreter import Interpreter, find_interpreter
from memmon.child.mark import MARK_VARIABLE
from memmon.errors import ChildError

ROOT = Path(__file__).resolve().parents[2]
is_possible = hidden.is_possible  # before the fixture of this folder puts another in its place

needs_hidden = pytest.mark.skipif(
    not is_possible(), reason="orphans of this process go to one that may not wait for them"
)


@pytest.fixture
def hidden_start(monkeypatch):
    """Children are started as nobody's."""
    monkeypatch.setattr(hidden, "is_possible", lambda: True)


def real_child(**more):
    return Child(INSPECT, interpreter=find_interpreter(serves_itself=False), timeout_seconds=60.0, **more)


def zombies_of(pid):
    found = []
    for one in psutil.Process(pid).children():
        try:
            found += [one.pid] if one.status() == psutil.STATUS_ZOMBIE else []
        except psutil.NoSuchProcess:
            continue
    return found


@needs_hidden
def test_nobody_who_waits_for_any_child_is_told(hidden_start):
    """A thread that waits for any child all the time is told of the program's own alone, and gets no SIGCHLD for another."""
    own = subprocess.Popen(["sleep", "97"])
    told, signals = [], []
    before = signal.signal(signal.SIGCHLD, lambda *_: signals.append(1))

    def wait():
        told.append(os.waitpid(-1, 0)[0])

    waiting = threading.Thread(target=wait)
    waiting.start()
    try:
        for _ in range(5):
            child = real_child()
            assert not child._process.is_own
            assert psutil.Process(child._process.pid).ppid() != os.getpid()
            assert answer_of(child) == NOTHING_FOUND
        assert (told, signals) == ([], [])
    finally:
        signal.signal(signal.SIGCHLD, before)
        own.kill()
        waiting.join(20.0)
    own.returncode = -9
    assert told == [own.pid]
    assert marked_processes() == []


@needs_hidden
def test_it_is_as_any_other_child(hidden_start, monkeypatch):
    """It leads a session of its own, bears the mark, takes signals, and holds nothing that the program opened."""
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("MEMMON_SOMETHING", "a 'b' \"c\" $d\ne")
    hang = bootstrap.CODE.replace("from memmon.tasks", "import time; time.sleep(97)\nfrom memmon.tasks")
    monkeypatch.setattr(bootstrap, "CODE", hang)
    with socket.socket() as listening:
        listening.set_inheritable(True)
        child = real_child()
        pid = child._process.pid
        try:
            assert until(lambda: os.getsid(pid) == pid)
            assert until(lambda: len(list(Path(f"/proc/{pid}/fd").iterdir())) == 3)
            environ = psutil.Process(pid).environ()
            assert environ[MARK_VARIABLE] == "1"
            assert "PYTHONPATH" not in environ
            assert environ["MEMMON_SOMETHING"] == os.environ["MEMMON_SOMETHING"]
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            assert "SigBlk:\t0000000000000000" in status
        finally:
            child.kill()


@needs_hidden
def test_it_ends_when_it_is_ended(hidden_start):
    """A child that is being ended is gone at once, just started or at work, and no descriptor is left of it."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for is_at_work in (False, True):
        child = real_child()
        if is_at_work:
            assert until(lambda child=child: psutil.Process(child._process.pid).num_threads() >= 3)
        child.kill()
        with pytest.raises(ChildError, match="ended"):
            child.poll()
        assert marked_processes() == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@needs_hidden
@pytest.mark.parametrize("is_forked", [False, True])
def test_it_ends_with_its_program(tmp_path, is_forked):
    """A child that hangs ends within seconds when its program is killed, also when a process forked from it in C lives on."""
    code = """
        import os, sys, time
        import memmon.child.bootstrap as bootstrap
        from memmon.child import Child, hidden
        from memmon.child.interpreter import find_interpreter
        from memmon.child.requests import Inspect
        hang = "import time; time.sleep(97); "
        bootstrap.CODE = bootstrap.CODE.replace("from memmon.tasks.serve", hang + "from memmon.tasks.serve")
        hidden.is_possible = lambda: True
        request = Inspect(database="sqlite:////nowhere/at/all.db", in_all_pages=False)
        child = Child(request, interpreter=find_interpreter(serves_itself=False), timeout_seconds=60.0)
        print(child._process.pid, child._process.is_own, flush=True)
        if sys.argv[1] == "True" and os.fork() == 0:
            time.sleep(97)
        time.sleep(97)
    """
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(is_forked)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    with program:
        pid, is_own = program.stdout.readline().split()
        assert is_own == "False"
        assert until(lambda: psutil.Process(int(pid)).num_threads() >= 3)  # it watches
        program.send_signal(signal.SIGKILL)
        assert until(lambda: marked_processes() == [])
        os.killpg(program.pid, signal.SIGKILL)


@needs_hidden
def test_what_cannot_be_started_so_is_started_in_the_usual_way(hidden_start, monkeypatch, tmp_path):
    """Without a shell, without `clone`, or where one ended without a word, children are the program's own from then on."""

    def fail(_line):
        raise OSError(38, "clone")

    monkeypatch.setattr(hidden, "_run", fail)
    child = real_child()
    assert child._process.is_own
    assert answer_of(child) == NOTHING_FOUND
    monkeypatch.undo()

    monkeypatch.setattr(hidden, "is_possible", lambda: True)
    monkeypatch.setattr(hidden, "_has_failed", False)
    child = Child(INSPECT, interpreter=stand_in(tmp_path, "exit 7"), timeout_seconds=60.0)
    assert not child._process.is_own
    with pytest.raises(ChildError, match="ended without an answer: no word"):
        answer_of(child)
    child = Child(INSPECT, interpreter=stand_in(tmp_path, "exit 7"), timeout_seconds=60.0)
    with pytest.raises(ChildError, match="ended with code 7: no word"):
        answer_of(child)


@needs_hidden
def test_a_call_of_system_keeps_its_signals(hidden_start, tmp_path):
    """While the program is in `os.system` a child is its own; afterwards Ctrl-C is heard as before, and children are nobody's."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    calling = threading.Thread(target=os.system, args=(f"read line <{gate}",))
    calling.start()
    assert until(hidden.runs_libcs_system)
    child = real_child()
    gate.write_text("on\n", encoding="ascii")
    calling.join(20.0)
    assert child._process.is_own
    assert answer_of(child) == NOTHING_FOUND
    assert not hidden.runs_libcs_system()
    child = real_child()
    assert not child._process.is_own
    assert answer_of(child) == NOTHING_FOUND
    assert not hidden.runs_libcs_system()


@pytest.mark.parametrize("start", ["usual", "hidden"])
def test_the_programs_own_functions_are_not_asked(monkeypatch, start):
    """Green threads put their own functions in the places of the system's, which may refuse: no child needs them."""
    if start == "hidden":
        monkeypatch.setattr(hidden, "is_possible", lambda: True)

    def refuse(*_, **__):
        raise NotImplementedError("child watchers are only available on the default loop")

    names = (
        "fork",
        "forkpty",
        "posix_spawn",
        "posix_spawnp",
        "wait",
        "waitpid",
        "waitid",
        "read",
        "pipe",
        "close",
    )
    for name in names:
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    child = real_child()
    assert answer_of(child) == NOTHING_FOUND


@pytest.mark.parametrize("start", ["usual", "hidden"])
def test_closed_standard_descriptors_are_no_matter(tmp_path, start):
    """In a daemon that has closed all its descriptors a child gets its request and gives its answer."""
    code = f"""
        import os, sys
        from memmon.child import Child, hidden
        from memmon.child.interpreter import find_interpreter
        from memmon.child.requests import Inspect
        hidden.is_possible = lambda: {start == "hidden"}
        os.closerange(0, 64)
        request = Inspect(database="sqlite:////nowhere/at/all.db", in_all_pages=False)
        child = Child(request, interpreter=find_interpreter(serves_itself=False), timeout_seconds=60.0)
        is_own = child._process.is_own
        while (answer := child.poll()) is None:
            os.sched_yield()
        with open({str(tmp_path / "said")!r}, "w") as file:
            print(answer, is_own, file=file)
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    said = (tmp_path / "said").read_text(encoding="utf-8")
    assert said == f"Inspected(damage=None) {start == 'usual'}\n"


def test_a_child_that_the_program_has_waited_for_is_no_failure_of_its_own():
    """A child whose end another part of the program took in has given its answer all the same."""
    child = real_child()
    assert child._process.is_own
    os.waitpid(child._process.pid, 0)
    assert answer_of(child) == NOTHING_FOUND


def test_what_does_not_end_at_once_is_waited_for_later(monkeypatch, tmp_path):
    """A child that lives on after it was to be ended is waited for at a later start: no zombie stays."""
    monkeypatch.setattr(process, "_END_WAIT_SECONDS", 0.0)
    child = Child(INSPECT, interpreter=stand_in(tmp_path, "exec sleep 97"), timeout_seconds=60.0)
    monkeypatch.setattr(child._session, "kill", lambda: None)
    child.kill()
    assert child._process.pid in {one.pid for one in psutil.Process().children()}
    os.kill(child._process.pid, signal.SIGKILL)
    assert until(lambda: zombies_of(os.getpid()) == [child._process.pid])
    assert answer_of(real_child()) == NOTHING_FOUND
    assert zombies_of(os.getpid()) == []


@pytest.mark.parametrize("parent", ["systemd", "tini", "gunicorn", "python3"])
def test_a_server_that_is_process_1_is_given_nothing(monkeypatch, parent):
    """A process 1 that started the program and is no init may count its workers' ends: it gets no orphan of memmon's."""
    monkeypatch.setattr(os, "getppid", lambda: 1)
    monkeypatch.setattr(hidden, "_name_of_process_1", lambda: parent)
    monkeypatch.setattr(hidden, "left_unwaited", lambda **_: False)
    assert is_possible() == (parent in {"systemd", "tini"})


def test_a_process_1_that_waits_for_nobody_is_given_nothing(monkeypatch):
    """Where process 1 has left zombies unwaited for, no orphan is added to them."""
    monkeypatch.setattr(hidden, "left_unwaited", lambda **_: True)
    assert not is_possible()


def test_a_process_that_has_left_a_zombie_is_known():
    """Who leaves a child that began long ago and has ended unwaited for is known by it, and by a living or young one not."""
    from memmon.child.session import left_unwaited

    with subprocess.Popen(["sleep", "97"]) as child:
        assert not left_unwaited(by=os.getpid(), seconds=0.0)
        child.kill()
        assert until(lambda: zombies_of(os.getpid()) == [child.pid])
        assert left_unwaited(by=os.getpid(), seconds=0.0)
        assert not left_unwaited(by=os.getpid(), seconds=600.0)


def told(code, *, prefix=()):
    """Run a program; what it prints as its last line."""
    done = subprocess.run(
        [*prefix, sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


TEN_CHILDREN = """
    import ctypes, os, sys, time
    from memmon.child import Children, hidden
    from memmon.child.requests import Inspect

    if os.getpid() != 1:
        assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
        assert hidden.takes_in_orphans()
    assert not hidden.is_possible()
    children, request = Children(), Inspect(database="sqlite:////nowhere/at/all.db", in_all_pages=False)
    for _ in range(3):
        running = children.start(request, timeout_seconds=60.0)
        own = open(f"/proc/self/task/{os.getpid()}/children").read().split()
        assert len(own) == 1, own
        while (answer := running.poll()) is None:
            time.sleep(0.01)
        assert answer.damage is None
    killed = children.start(request, timeout_seconds=60.0)
    killed.kill()
    print(os.getpid(), repr(open(f"/proc/self/task/{os.getpid()}/children").read()), children.failure_count)
"""


def test_a_subreaper_has_its_own_children_and_no_zombies():
    """In a program that takes in orphans, children are its own, waited for, and none is left as a zombie."""
    pid, left, failures = told(TEN_CHILDREN).split()
    assert pid != "1"
    assert (left, failures) == ("''", "0")


def _namespace():
    prefix = ("unshare", "--pid", "--fork", "--mount-proc", "--user", "--map-root-user")
    try:
        done = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None, "there is no unshare here"
    return (prefix, "") if done.returncode == 0 else (None, done.stderr.strip())


def test_process_1_has_its_own_children_and_no_zombies():
    """In a program that is process 1, as in a container, children are its own, waited for, and none is left as a zombie."""
    prefix, why = _namespace()
    if prefix is None:
        pytest.skip(f"no program can be made process 1 here: {why}")
    assert told(TEN_CHILDREN, prefix=prefix).split() == ["1", "''", "0"]


def test_an_interpreter_that_packs_the_program_is_a_child_of_its_own(hidden_start, tmp_path):
    """A packed program unpacks itself and tidies up when it ends: it is never handed on."""
    program = stand_in(tmp_path, 'echo \'{"command": "inspect", "damage": null}\'')
    child = Child(INSPECT, interpreter=Interpreter(path=program.path, is_program=True), timeout_seconds=60.0)
    assert child._process.is_own
    assert answer_of(child) == NOTHING_FOUND


@pytest.mark.parametrize(
    "word", ["plain", "two words", "it's", "''", '$HOME `id` \\ "x"\nline', ""], ids=range(6)
)
def test_the_shell_takes_each_word_as_it_is(word):
    """Whatever an argument of the command holds, the shell hands it on unchanged."""
    quoted = hidden._quoted(word)
    said = subprocess.run(
        ["/bin/sh", "-c", f"printf '<%s>' {quoted}"], capture_output=True, text=True, check=True
    )
    assert said.stdout == f"<{word}>"
