"""Recording a program from outside with all that it starts: each process a run of its own, beside the others.

A child behind a shell, the workers of a pool, what starts late: whoever is found to live is recorded until it ends.
Who records itself into the same database is left to that, for it knows more of itself: nothing is recorded twice.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from memmon.child.mark import MARK_VARIABLE
from memmon.clock import SystemClock
from memmon.guest.guarded import report_fault
from memmon.guest.shielding import attempt, mark_own_thread
from memmon.probe.process.children import ChildrenProbe

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.probe.process.children import ChildProcess
    from memmon.recorder.external import ExternalRecorder
    from memmon.store.write.inside import InsideRun

MOST_RECORDED = 64
"""Processes that are recorded at a time beside the program's first: each has two threads. Others are said not to be recorded."""
SHORTEST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.2, 5.0
REST_FACTOR = 20.0
"""A look is followed by a rest of so many times what it took."""
LEAST_AGE_SECONDS, MOST_AGE_SECONDS = 1.0, 5.0
"""A process is recorded once it has lived an interval, within these bounds: many only start another, or a command."""
FIRST_GIVE_WAY_SECONDS, LONGEST_GIVE_WAY_SECONDS = 1.0, 300.0
"""So long after a process was found, and then twice as long each time, it is looked up in the database whether it records itself."""
_END_SECONDS = 2.0
ENDED_UNSEEN = "not a child of the recorder: its exit code is not known"


class TreeRecorder:
    """Records one process by `root`, and its descendants by what `new` makes of each."""

    def __init__(
        self,
        root: ExternalRecorder,
        *,
        new: Callable[[ChildProcess], ExternalRecorder],
        interval_seconds: float,
        gives_way: bool = True,
        orphans_of: int | None = None,
    ) -> None:
        """`gives_way`: to what processes record of themselves; False where all that is judged must be measured here.

        `orphans_of`: a process that the system hands the program's orphans on to; its other children are the program's.
        """
        self.root = root
        self._new = new
        self._gives_way = gives_way
        self._orphans_of = () if orphans_of is None else (orphans_of,)
        self._newest_at = self._give_way_at = 0.0
        self.on_given_way: Callable[[InsideRun], None] = lambda _inside: None
        """Called when the program itself turns out to record itself."""
        clock = SystemClock()
        self._clock = clock
        self._probe = ChildrenProbe(
            root.pid,
            monotonic=clock.monotonic,
            stopwatch=clock.monotonic,
            mark=MARK_VARIABLE,
            least_age_seconds=min(max(interval_seconds, LEAST_AGE_SECONDS), MOST_AGE_SECONDS),
            has_shares=False,
        )
        self._look_seconds = min(max(interval_seconds, SHORTEST_LOOK_SECONDS), LONGEST_LOOK_SECONDS)
        self._members: dict[int, ExternalRecorder] = {}
        self._unmeasured: set[tuple[int, float | None]] = set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._ended_stored_count = self._ended_unread_count = 0
        self._took_seconds = 0.0
        self.uuid: str | None = None
        """Of the first process's run, which is the parent of all others; None before the start."""

    @property
    def members(self) -> tuple[ExternalRecorder, ...]:
        """The recorders of the descendants that live."""
        return tuple(self._members.values())

    @property
    def unmeasured_count(self) -> int:
        """Descendants that were seen and never recorded: there were too many, or they could not be read."""
        unread = sum(one.status.taken_count == 0 for one in self.members)
        return len(self._unmeasured) + self._ended_unread_count + unread

    @property
    def stored_count(self) -> int:
        """Snapshots stored of all processes."""
        living = sum(one.status.stored_count for one in (self.root, *self.members))
        return living + self._ended_stored_count

    def start(self) -> None:
        """Record from now on, in threads of memmon's own."""
        self.root.start()
        self.uuid = self.root.run_uuid
        self._expect_inside()
        if self.root.is_inert:
            return
        self._thread = threading.Thread(target=self._run, name="memmon-tree", daemon=True)
        self._thread.start()

    def finish(self, reason: str, detail: str | None = None) -> None:
        """End every run: that of the program with how it ended."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_END_SECONDS)
        for pid in list(self._members):
            is_alive = self._members[pid].is_process_alive()
            self._end(pid, "stopped" if is_alive else "exit", None if is_alive else ENDED_UNSEEN)
        self.root.finish(reason, detail)
        if self.root.inside is not None and detail is not None:
            attempt(self.root.tell_end_of_inside, reason, detail)

    def look(self) -> None:
        """Find who lives now: begin with those who are new, end with those who are gone."""
        for pid in list(self._members):
            if not self._members[pid].is_process_alive():
                self._end(pid, "exit", ENDED_UNSEEN)
        # Who outlives its parent is nobody's child here any more, but still the program's.
        begun = self._clock.monotonic()
        found = self._probe.read(besides=(*self._members, *self._orphans_of))
        self._took_seconds = self._clock.monotonic() - begun
        for child in found:
            if child.pid in self._members or child.pid == self.root.pid:
                continue
            key = (child.pid, child.started_at_seconds)
            if len(self._members) >= MOST_RECORDED:
                self._unmeasured.add(key)
                continue
            self._unmeasured.discard(key)
            self._members[child.pid] = member = self._new(child)
            member.start()
            self._expect_inside()
        if self._gives_way and self._clock.monotonic() >= self._give_way_at:
            self._give_way()

    def _expect_inside(self) -> None:
        """Look soon: a new process may begin to record itself in a moment."""
        self._newest_at = self._clock.monotonic()
        self._give_way_at = self._newest_at + FIRST_GIVE_WAY_SECONDS

    def _give_way(self) -> None:
        now = self._clock.monotonic()
        pause = min(max(now - self._newest_at, FIRST_GIVE_WAY_SECONDS), LONGEST_GIVE_WAY_SECONDS)
        self._give_way_at = now + pause
        found = attempt(self.root.find_inside, self.members)
        if found is None:  # the database can't be read just now
            return
        for one in self.members:
            one.heed(found.get(one.pid))
        own = found.get(self.root.pid)
        if self.root.heed(own) and own is not None:
            self.on_given_way(own)
        if self.root.inside is not None and self.root.inside.source != self.root.source:
            self._have_one_check()

    def _have_one_check(self) -> None:
        """See that one of the descendants does the scheduled checks of their source: the program's recorder did them."""
        recording = [one for one in self.members if one.inside is None]
        if recording and not any(one.is_checking for one in recording):
            recording[0].check_too()

    def _end(self, pid: int, reason: str, detail: str | None) -> None:
        member = self._members.pop(pid)
        member.finish(reason, detail, timeout_seconds=_END_SECONDS)
        self._ended_stored_count += member.status.stored_count
        self._ended_unread_count += member.status.taken_count == 0

    def _run(self) -> None:
        mark_own_thread()
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                self.look()
            except Exception as error:  # the program's own recording goes on
                report_fault("processes", error)
            pause = max(self._look_seconds, REST_FACTOR * self._took_seconds)
