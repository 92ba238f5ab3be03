"""
What the running client knows of itself: the facts that health is judged by.

Asks those who know, and keeps what only time tells; judges nothing.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct, structs
from twisted.python.failure import Failure

from tcclient.captures.capture import Capture
from tcclient.captures.isolation import Isolation
from tcclient.captures.serverlog import ServerLog
from tcclient.control.client import ControlServer
from tcclient.control.jobs import Decision, Job
from tcclient.control.realtime import RealtimeChannel
from tcclient.health.facts import CaptureFacts, ClientFacts, ServerTrouble
from tcclient.health.liveliness import DailyBytes, Liveliness
from tcclient.runtime.failures import storable
from tcclient.runtime.needs import Needs, needs_of
from tcclient.runtime.ownprocess import OwnProcess
from tcclient.sources.source import Source
from tcclient.storage.archive import Archive
from tcclient.storage.folders import Folders

LOOK = 4.0
"""Seconds between two looks at disk and machine; facts may be asked for more often."""
RUNNING = "running"
"""What the isolation calls it that a capture begins, or takes a new reading of its job."""


class Sides(Struct, frozen=True):
    """Whom the client works with, what it remembers of what fails, and what it runs in."""

    server: ControlServer
    folders: Folders
    source: Source
    server_log: ServerLog
    isolation: Isolation
    process: OwnProcess
    channel: RealtimeChannel


class _Course(Struct):
    """How a capture goes over time; a stream for other `keywords` is another stream."""

    keywords: str | None
    lively: Liveliness
    not_run_since: float | None = None


class Vitals:
    """
    Gathers the facts about a client; to be asked every few seconds.  `wanted` returns which
    captures are to run, and `captures` has those that there are, by their jobs.
    """

    def __init__(
        self, sides: Sides, wanted: Callable[[], Decision], captures: Mapping[int, Capture]
    ) -> None:
        self._sides = sides
        self._wanted = wanted
        self._captures = captures
        self._courses: dict[int, _Course] = {}
        self._daily = DailyBytes()
        self._free: int | None = None
        self._size: int | None = None
        self._needs: Needs | None = None
        self._looking = False
        self._not_before = -math.inf

    def facts(self) -> ClientFacts:
        """Return what is known now."""
        sides, decision = self._sides, self._wanted()
        now, wall = sides.folders.clock.seconds(), sides.folders.wall()
        if now >= self._not_before:
            self._not_before, self._needs = now + LOOK, needs_of()
            self._look_at_disk()
        self._daily.look(
            now,
            {
                job_id: capture.session.archive.files.stored_bytes
                for job_id, capture in self._captures.items()
                if capture.session.archive is not None
            },
        )
        wanted = (*decision.captured, *decision.left_out, *decision.unstorable)
        self._courses = {job.id: self._course(job, now) for job in wanted}
        failing, needs = sides.server_log.longest(), self._needs
        return ClientFacts(
            now=wall,
            runs=True,
            captures=[
                *(self._of(job, now, wall, self._not_run(job)) for job in decision.captured),
                *(self._of(job, now, wall, self._not_run(job)) for job in decision.unstorable),
                *(self._of(job, now, wall, _left_out(decision)) for job in decision.left_out),
            ],
            disk_free=self._free,
            disk_size=self._size,
            disk_kept=sides.folders.use.min_free_bytes,
            disk_daily=self._daily.rate,
            clock_offset=sides.server.exchange.clock_offset,
            memory=None if needs is None else needs.memory,
            cpu=None if needs is None else needs.cpu,
            server=failing and ServerTrouble(failing[0], failing[1], wall - failing[2]),
            limits=sides.source.limits(),
            post_price=sides.source.post_price,
            log_dropped=sides.process.log_missing(),
        )

    def _course(self, job: Job, now: float) -> _Course:
        """Return how a capture went until now, which begins anew with other keywords."""
        course = self._courses.get(job.id)
        if course is None or course.keywords != job.keywords:
            course = _Course(job.keywords, Liveliness(now))
        return course

    def _not_run(self, job: Job) -> str:
        """Return why a capture does not run though it is to; empty if it does."""
        failed = self._sides.isolation.why(RUNNING, job.id)
        if failed:
            return f"it fails, {failed}"
        capture = self._captures.get(job.id)
        return "it has not begun" if capture is None else capture.session.not_run

    def _of(self, job: Job, now: float, wall: float, not_run: str) -> CaptureFacts:
        """Return what is known of a capture that is wanted."""
        course = self._courses[job.id]
        if not not_run:
            course.not_run_since = None
        elif course.not_run_since is None:
            course.not_run_since = now
        since = course.not_run_since
        found = CaptureFacts(
            job=job.id,
            name=storable(job.name),
            not_run=not_run,
            not_run_since=None if since is None else wall - (now - since),
            lacking=self._sides.source.terms_lacking(job.id),
        )
        capture = self._captures.get(job.id)
        archive = None if capture is None else capture.session.archive
        return found if archive is None else _with_archive(found, archive, course, now, wall)

    def _look_at_disk(self) -> None:
        """Find out how many bytes are free, in a thread: a disk may never answer."""
        folders = self._sides.folders
        use = folders.use
        if not self._looking:
            self._looking = True
            look = use.threads(partial(_room, use.free, use.size, folders.base_dir))
            look.addCallbacks(self._looked, self._not_looked)

    def _looked(self, room: tuple[int, int]) -> None:
        self._looking = False
        self._free, self._size = room

    def _not_looked(self, failure: Failure) -> None:
        self._looking, self._free, self._size = False, None, None
        failure.trap(OSError)


def _room(
    free: Callable[[Path], int], size: Callable[[Path], int], folder: Path
) -> tuple[int, int]:
    """Return how many bytes of a disk are free, and how many there are.  Raises OSError."""
    return free(folder), size(folder)


def _left_out(decision: Decision) -> str:
    """Return why captures do not run for which the source has no room."""
    names = ", ".join(repr(job.name) for job in decision.captured[:5])
    return f"the source has room for no more than {names}"


def _with_archive(
    facts: CaptureFacts, archive: Archive, course: _Course, now: float, wall: float
) -> CaptureFacts:
    """Return the facts with what the archive of the capture knows."""
    missing, trouble = archive.capture_log.missing, archive.trouble
    course.lively.look(now, archive.tally.posts, is_heard=missing is None and trouble is None)
    return structs.replace(
        facts,
        # Nobody is told of the keywords here, which may be long.
        missing=None if missing is None else structs.replace(missing, keywords=None),
        heard_since=archive.capture_log.heard_since,
        disk="" if trouble is None else trouble[0],
        disk_since=None if trouble is None else wall - trouble[1],
        refused=len(archive.capture_log.refused),
        total=archive.tally.total,
        lag=None if missing is not None or archive.safe is None else wall - archive.safe,
        next_attempt=None if missing is None else archive.capture_log.next_attempt,
        rate=archive.tally.rate,
        lively=course.lively.rate,
        silent=course.lively.silent(now),
        is_shared=archive.tally.is_shared,
    )
