"""What a recorder is in a process that was forked from a recording one: silent, said once, or following."""

from __future__ import annotations

import logging
import os

from memmon.guest.shielding import log_safely

log = logging.getLogger("memmon")

FOLLOW_AFTER_SECONDS = 0.5
"""A forked process that is followed records from so long after its fork on: many only start another program, and are gone."""


class Fork:
    """Whether this process was forked from a recording one; its recorder asks at each count of work, so it costs a look."""

    __slots__ = ("is_following", "is_silent")

    def __init__(self) -> None:
        self.is_silent = False
        """Forked from a recording process, not recording, and nothing was said of it yet."""
        self.is_following = False
        """Forked from a recording process, and recording in a moment, or already."""

    def begin(self, *, was_recording: bool, follows: bool) -> None:
        """Note the fork, in the child; `was_recording`: the parent."""
        was_recording = was_recording or self.is_following
        self.is_following = was_recording and follows
        self.is_silent = was_recording and not follows

    def say(self, source: str, *, is_recording: bool) -> None:
        """Say once that this process does not record, unless it does meanwhile."""
        self.is_silent = False
        if not is_recording:
            log_safely(
                log,
                logging.WARNING,
                "memmon: pid %d was forked from the process that records %s, and does not record until it calls "
                "start() on its recorder: call it after the fork (gunicorn: post_fork, celery: "
                "worker_process_init), or make the recorder with follow_forks=True",
                os.getpid(),
                source,
            )
