"""
What a process does over and over beside what is asked of it, in a thread or as its only business.

Knows when to go on and what to do about failures; does not know the work.
"""

import logging
import signal
import threading
from contextlib import suppress
from datetime import datetime
from typing import ClassVar, Protocol

from django.db import DatabaseError, connection
from django.utils import timezone

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two turns of which the first had nothing left to do."""
AFTER_A_FAILURE = 5.0


class Work(Protocol):
    """Work that is done in turns; `title` is the subject of sentences on it."""

    title: ClassVar[str]

    def turn(self, now: datetime) -> bool:
        """Do a bounded part of it.  Return whether there is more to do at once."""

    def end(self, now: datetime) -> None:
        """Leave it to other processes."""


def keep_at(work: Work, stop: threading.Event) -> None:
    """Do the work until `stop` is set; what fails is tried again, and said once."""
    failed, wait = "", 0.0
    while not stop.wait(wait):
        try:
            wait = 0.0 if work.turn(timezone.now()) else PAUSE
            if failed:
                log.info("%s: it goes on.", work.title)
            failed = ""
        except Exception as e:
            wait = AFTER_A_FAILURE
            if failed != (failed := type(e).__name__):
                why = str(e).strip().partition("\n")[0]
                log.warning("%s: it is tried again: %s: %s", work.title, failed, why)
            connection.close()
    with suppress(DatabaseError):
        work.end(timezone.now())
    connection.close()


def until_signal(work: Work) -> None:
    """Do the work until the process is asked to end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *caught: stop.set())
    keep_at(work, stop)


class WorkThread(threading.Thread):
    """Does work beside what serves, from the beginning of a `with` to its end."""

    def __init__(self, work: Work) -> None:
        super().__init__(name=work.title, daemon=True)
        self._work = work
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Do it."""
        keep_at(self._work, self._stop_asked)

    def __enter__(self) -> "WorkThread":
        """Begin."""
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        """End, once what has begun is done."""
        self._stop_asked.set()
        self.join(timeout=10)
