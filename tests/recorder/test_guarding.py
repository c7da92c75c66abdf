"""Locks, guard, relief, threads: the parts that keep a host unharmed."""

from __future__ import annotations

import random
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from memmon.alerts import conditions
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.present import Memory, PresentState
from memmon.alerts.records import Watch
from memmon.child import AnsweredError
from memmon.child.requests import Check, Checked, Inspected
from memmon.clock import ManualClock
from memmon.errors import ChildError
from memmon.facts.deque_state import deque_fault
from memmon.guest import locks
from memmon.guest.guarded import guarded
from memmon.guest.locks import Claim, ForkLock, ReentrantTurn
from memmon.model import Alert, DequeReading
from memmon.recorder import validation
from memmon.recorder.alerts.cooldown import Cooldown
from memmon.recorder.alerts.hourly_check import CheckCalls, CheckPlan, HourlyCheck
from memmon.recorder.relief import Relief
from memmon.recorder.work_counter import WorkCounter

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_re_entry_is_turned_away():
    """Who is taking a snapshot already, in this very thread, does not wait for himself."""
    turn, first, second = ReentrantTurn(), Claim(), Claim()
    assert turn.enter(first, 60.0)
    assert not turn.enter(second, 60.0)
    first.is_free = True
    assert turn.enter(second)


def test_another_thread_waits_and_gives_up():
    """Another thread waits its time, and then goes without; the turn stays with its holder."""
    turn, mine, answers = ReentrantTurn(), Claim(), []
    assert turn.enter(mine)

    def other(timeout_seconds):
        claim = Claim()
        answers.append(turn.enter(claim, timeout_seconds))
        claim.is_free = True

    def ask(timeout_seconds):
        thread = threading.Thread(target=other, args=(timeout_seconds,))
        thread.start()
        return thread

    ask(0.05).join()
    assert answers == [False]
    waiting = ask(60.0)
    mine.is_free = True
    waiting.join()
    assert answers == [False, True]
    assert turn.enter(Claim())


def test_one_at_a_time():
    """However many threads ask, and however many of them are interrupted, no two have the turn at once."""
    turn, inside, worst, entered = ReentrantTurn(), [], [0], [0]

    def work(number):
        pick = random.Random(number)
        for _ in range(2_000):
            claim = Claim()
            try:
                if turn.enter(claim, pick.choice([0.0, 0.01])):
                    inside.append(number)
                    worst[0] = max(worst[0], len(inside))
                    entered[0] += 1
                    inside.pop()
            finally:
                claim.is_free = True

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert worst == [1]
    assert entered[0] > 2_000
    assert turn.enter(Claim())


def test_an_exception_at_any_step_leaves_nothing_taken():
    """Whatever line of entering a turn a signal handler interrupts with an exception, the next one gets in."""

    class InterruptError(Exception):
        pass

    def attempt(turn, step):
        """True: it was interrupted at line event `step`."""
        steps = [0]

        def trace(frame, event, _argument):
            if frame.f_code.co_filename != locks.__file__:
                return trace
            steps[0] += event == "line"
            if steps[0] == step:
                steps[0] += 1
                raise InterruptError
            return trace

        claim = Claim()
        before = sys.gettrace()  # a coverage run's
        sys.settrace(trace)
        try:
            turn.enter(claim)
        except InterruptError:
            return True
        finally:
            sys.settrace(before)
            claim.is_free = True
        return False

    turn, step = ReentrantTurn(), 1
    while attempt(turn, step):
        claim = Claim()
        assert turn.enter(claim), step
        claim.is_free = True
        step += 1
    assert step > 5


def test_a_lock_that_a_fork_never_gave_back(monkeypatch):
    """Who waits longer than any fork takes goes on with a new lock, and forks wait for that one."""
    monkeypatch.setattr("memmon.guest.locks.LOST_AFTER_SECONDS", 0.05)
    lock = ForkLock()
    lost = lock.acquire(1.0)
    with lock:
        assert lock.acquire(0.0) is None
    lost.release()
    taken = lock.acquire(0.0)
    assert taken is not None
    assert taken is not lost
    taken.release()
    with lock:
        pass


class Scripted:
    """Children that answer what the test says."""

    def __init__(self, answers):
        self.answers = answers
        self.requests = []
        self.note = None

    def why_none(self):
        return None

    def start(self, request, *, timeout_seconds):
        self.requests.append(request)
        return self

    def poll(self):
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


DAMAGED = AnsweredError("it can't be read", kind="StoreDamagedError")
CHECK = Check(
    database="sqlite:////x.db",
    source="bot",
    leak_check=True,
    daily_report=True,
    threshold_mb_per_hour=10.0,
    now=AT,
    look_at_all_pages=False,
)


def checked(damage=None):
    return Checked(damage=damage, alerts=(), seen=(), report=None, is_suspicious=False)


def checks_of(children, clock, *, found, given):
    return HourlyCheck(
        CheckPlan(leak_check=True, daily_report=True),
        CheckCalls(
            request=lambda: CHECK,
            latest=lambda: None,
            identity=lambda: "file",
            on_answer=given.append,
            on_damage=lambda *told: found.append(told),
            on_off=found.append,
        ),
        clock=clock,
        children=children,
    )


@pytest.mark.parametrize(
    ("answers", "damage", "told"),
    [
        ([checked()], [], 1),
        ([checked("page 7"), Inspected(damage="page 7")], [("page 7", "file")], 0),
        ([checked("page 7"), Inspected(damage=None)], [], 0),
        ([checked("page 7"), ChildError("it took too long")], [], 0),
        ([DAMAGED, Inspected(damage="page 7")], [("it can't be read", "file")], 0),
        ([DAMAGED, Inspected(damage=None), DAMAGED], [], 0),
    ],
)
def test_a_file_is_taken_for_damaged_after_two_looks(answers, damage, told):
    """What one child calls damaged another must find damaged too; it is asked once a day at most."""
    clock, found, given, children = ManualClock(), [], [], Scripted(list(answers))
    checks = checks_of(children, clock, found=found, given=given)
    checks.tick()
    while children.answers:
        clock.advance(700.0)
        checks.tick()
    for _ in range(3):
        clock.advance(60.0)
        checks.tick()
    assert (found, len(given)) == (damage, told)
    assert children.requests[0].look_at_all_pages
    assert not any(one.look_at_all_pages for one in children.requests[1:] if one.command == "check")


def test_what_another_version_installed_meanwhile_says_is_told_once_a_day(caplog):
    """Where memmon was replaced under the program, the hourly check says so in one line a day, and tries again after it."""
    error = AnsweredError("restart the program", kind="UnknownMessageError")
    clock, found, given, children = ManualClock(), [], [], Scripted([error, checked()])
    checks = checks_of(children, clock, found=found, given=given)
    for _ in range(90):
        checks.tick()
        clock.advance(900.0)
    assert [one.getMessage() for one in caplog.records if one.levelname == "WARNING"] == [
        "memmon: the hourly check is put off for 24 hours: restart the program"
    ]
    assert (found, given) == ([], [])
    for _ in range(10):
        checks.tick()
        clock.advance(900.0)
    assert given == [checked()]


def test_guard(monkeypatch, caplog):
    """What goes wrong inside is logged once and its default returned; under memmon's own tests it is raised."""

    @guarded(default=7)
    def broken():
        raise KeyError("inside")

    with pytest.raises(KeyError):
        broken()
    monkeypatch.delenv("MEMMON_RAISE_INTERNAL_ERRORS")
    assert broken() == 7
    assert "internal error" in caplog.text


class Machine:
    """A process whose memory and clock the test moves."""

    def __init__(self, rss_mb=600.0, frees_mb=0.0, pass_seconds=0.01):
        self.seconds, self.rss_mb, self.frees_mb, self.pass_seconds = 0.0, rss_mb, frees_mb, pass_seconds
        self.relief = Relief(
            threshold_bytes=500 * 2**20,
            monotonic=lambda: self.seconds,
            read_rss=lambda: None if self.rss_mb is None else int(self.rss_mb * 2**20),
            collect=self.collect,
        )

    def collect(self):
        self.seconds += self.pass_seconds
        if self.rss_mb is not None:
            self.rss_mb -= self.frees_mb
        return 3

    def day(self):
        made = 0
        for _ in range(288):
            if self.relief.is_due(int(self.rss_mb * 2**20)):
                self.relief.make_pass()
                made += 1
            self.rss_mb += self.frees_mb if made else 0.0
            self.seconds += 300.0
        return made


def test_barren_passes_become_rare():
    """Passes that free nothing double their pause; a long one ends them for the day."""
    assert Machine().day() <= 10
    stopped = Machine(pass_seconds=1.0)
    assert stopped.day() <= 2
    assert stopped.relief.is_stopped


def test_fruitful_passes_go_on():
    """A pass that frees memory is made again five minutes later."""
    assert Machine(frees_mb=50.0).day() > 200


def test_growth_allows_an_early_pass():
    """Growth by a tenth is reason enough to try before the pause is over."""
    machine = Machine()
    machine.relief.make_pass()
    assert not machine.relief.is_due(620 * 2**20)
    assert machine.relief.is_due(670 * 2**20)
    assert not machine.relief.is_due(400 * 2**20)
    assert not machine.relief.is_due(None)


def test_an_unreadable_memory():
    """Without a reading the pass is made and recorded, its freed bytes unknown."""
    machine = Machine(rss_mb=None)
    done = machine.relief.make_pass()
    assert (done.objects_count, done.freed_bytes) == (3, None)


def test_trim_is_measured():
    """What the trim gives back is told apart and counted to what was freed."""
    machine = Machine()
    machine.relief._trim = lambda: setattr(machine, "rss_mb", machine.rss_mb - 10)
    done = machine.relief.make_pass()
    assert done.trimmed_bytes == done.freed_bytes == 10 * 2**20


def deque_reading(**values):
    return DequeReading(**{"name": "d", "length_count": 5, "maxlen_count": 9, **values})


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, None),
        ({"maxlen_count": None}, "no maxlen"),
        ({"length_count": 12}, "above"),
        ({"expected_maxlen_count": 7}, "expected 7"),
        ({"length_count": None}, None),
        ({"is_alive": False, "maxlen_count": None}, None),
    ],
)
def test_deque_faults(values, word):
    """A deque's fault is told in words; one that is gone or unreadable has none."""
    fault = deque_fault(deque_reading(**values))
    assert fault is None if word is None else word in fault


def seen_of(present, policy=None):
    """Return what is seen of the one kind that can be judged."""
    (found,) = conditions.observe(present, policy or AlertPolicy())
    return found


def test_many_faults_are_shortened():
    """An alert over many deques says of the first twenty what is wrong, and names the others."""
    readings = [deque_reading(name=f"d{n:02}", maxlen_count=None) for n in range(30)]
    seen = seen_of(PresentState(at=AT, source="bot", deques=readings))
    assert seen.message.count("has no maxlen") == 20
    assert "and also d20" in seen.message
    assert len(seen.members) == 30


def test_high_memory():
    """High memory is told with the figures that could be read, and not judged without any."""
    full = Memory(system_percent=91.0, rss_bytes=2**20, available_bytes=2**20)
    for memory in (full, Memory(system_percent=91.0)):
        assert "91.0 %" in seen_of(PresentState(at=AT, source="bot", memory=memory)).message
    assert conditions.observe(PresentState(at=AT, source="bot", memory=Memory()), AlertPolicy()) == []


def high_memory(percent=91.0):
    return seen_of(PresentState(at=AT, source="bot", memory=Memory(system_percent=percent)))


def stored_watch(**values):
    known = {
        "source_id": 1,
        "fingerprint": "high_memory",
        "kind": "high_memory",
        "state": "firing",
        "severity": "warning",
        "title": "t",
        "since": AT,
        "seen_at": AT,
        "told_at": AT,
        "told_severity": "warning",
        "told_since": AT,
    }
    return Watch(**{**known, **values})


def is_told(cooldown, minutes, *, percent=91.0, telling="by rule"):
    return (
        cooldown.look(high_memory(percent), at=AT + timedelta(minutes=minutes), telling=telling).alert
        is not None
    )


def test_the_desk_keeps_the_cooldown():
    """An alert passes once in its cooldown, also when an earlier run told it; a worse one passes at once."""
    cooldown = Cooldown(on_alert=None, cooldown_minutes=30.0)
    cooldown.remember({"high_memory": stored_watch()})
    assert not is_told(cooldown, 10)
    assert is_told(cooldown, 10, percent=96.0)
    assert is_told(cooldown, 50)
    assert is_told(cooldown, 51, telling="at once")
    assert not is_told(cooldown, 99, telling="never")
    assert is_told(cooldown, -300 * 24 * 60)


def test_the_desk_tells_a_lasting_state_once_a_day():
    """A deque's fault is told again after a day, also when it was gone meanwhile; one more deque at once."""
    cooldown = Cooldown(on_alert=None, cooldown_minutes=30.0)

    def told(hours, *names):
        readings = [deque_reading(name=name, maxlen_count=None) for name in names]
        seen = seen_of(PresentState(at=AT, source="bot", deques=readings))
        return cooldown.look(seen, at=AT + timedelta(hours=hours)).alert is not None

    course = [
        told(0, "a"),
        told(1),
        told(2, "a"),
        told(3, "a", "b"),
        told(4, "b"),
        told(26, "b"),
        told(28, "b"),
    ]
    assert course == [True, False, False, True, False, False, True]


def test_the_desk_stores_what_has_changed():
    """A state is handed over when it changes and once an hour; what never fired is not stored at all."""
    cooldown = Cooldown(on_alert=None, cooldown_minutes=30.0)
    course = [(0, 50.0), (5, 91.0), (10, 91.0), (40, 77.0), (70, 91.0), (75, 50.0), (80, 50.0)]
    states = []
    for minutes, percent in course:
        looked = cooldown.look(high_memory(percent), at=AT + timedelta(minutes=minutes))
        states.append(None if looked.watch is None else looked.watch.state)
    assert states == [None, "firing", None, None, "firing", "clear", None]


def test_a_raising_callback_stays_its_own(caplog):
    """Whatever on_alert raises is logged and goes no further."""

    def told(_alert):
        raise SystemExit(3)

    alert = Alert(kind="high_memory", severity="warning", title="t", message="m", at=AT, source="bot")
    Cooldown(on_alert=told, cooldown_minutes=30.0).deliver(alert)
    assert "on_alert raised SystemExit" in caplog.text


def test_work_is_counted_by_name():
    """Work is summed over its names; a name that steers a terminal is cleaned."""
    work = WorkCounter()
    assert work.total() is None
    work.add(2, "work")
    assert work.by_name() == ()
    work.add(3, "a\x1b[31mb")
    assert work.total() == 5
    assert all("\x1b" not in name for name, _ in work.by_name())
    work.after_fork_in_child()
    assert work.total() is None


def test_a_line_fit_to_be_shown():
    """A text from the host becomes one line without anything that steers a terminal."""
    assert validation.one_line("a\nb\x1b[31m\x9b\u202e\ud800", 100) == "a b?[31m???"
