"""
What the server is told about one job, one write after the other.

Knows when a status may be written, whom to believe that a job is gone, and what to do about an
update whose answer was not seen; does not know when to report.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime

from tcclient.captures.session import Session
from tcclient.control.answers import Gone, ServerError, Stale
from tcclient.control.client import ControlServer
from tcclient.control.jobs import Job, Status
from tcclient.ledger.counters import Row
from tcclient.ledger.latecounts import LateCounts, Reached
from tcclient.storage.archive import Archive

FIRST = 3
"""
Updates of a session before which the list of updates is read: between a look at the job, which
shows one update, and ours, several of the client that had it before may land.
"""
READINGS = 3
"""How often a job is read again that changes while its status is written; the next poll tells."""


class Reporter:
    """
    Tells the server about one job; does not write while an earlier write is under way.

    Each method raises Gone if the job is archived, deleted or another client's, and ServerError if
    there is no clear answer; it may be called again then.  It needs an archive to report.
    """

    def __init__(self, server: ControlServer, session: Session, clock: IReactorTime) -> None:
        self.server = server
        self._session = session
        self._clock = clock
        self._writing = DeferredLock()
        self._newest = _Updates(server)
        self._late = LateCounts()
        self._late_of: Archive | None = None
        self._sent = Counter[Archive]()  # how many updates, in the present one

    def update_is_due(self) -> None:
        """Note how many posts there are, in case that the server is not told in time."""
        archive = self._session.archive
        if archive is not self._late_of:
            self._late, self._late_of = LateCounts(), archive
        if archive is not None:
            self._late.due(archive.tally.posts, self._clock.seconds())

    async def report(self, job: Job) -> None:
        """Write total_count, rate and ping_date; `job` is as it was just read."""
        if self._writing.locked or self._session.is_in_doubt:
            await self.read_and_report(job)  # the job may have changed when it is our turn
            return
        async with self._writing:
            await self._unless_gone(job, lambda: self._report(job))

    def must_read(self, job: Job) -> bool:
        """Return whether a job has to be read again before its last update."""
        return job.revision is None or self._session.is_in_doubt

    async def read_and_report(self, job: Job) -> None:
        """Read the job again, take its total, and write total_count, rate and ping_date."""
        async with self._writing:
            if self._session.archive is not None:
                await self._unless_gone(job, lambda: self._read_and_report(job))

    async def read_and_update(self, job: Job) -> None:
        """Read the job again, as others' last update is not seen behind ours, and send one."""
        async with self._writing:
            archive = self._session.archive
            if archive is not None:
                is_first = self._sent[archive] < FIRST
                await self._unless_gone(job, lambda: self._take_totals(job, of_all=is_first))
                await self._unless_gone(job, lambda: self._update(job.id))
                self._sent = Counter({archive: self._sent[archive] + 1})

    async def update(self, job_id: int) -> None:
        """Add to the history of a job, be it anybody's, what is new since the last update."""
        async with self._writing:
            await self._update(job_id)

    async def last_update(self, job_id: int) -> None:
        """Add to the history of a job that is lost what is new, on top of what others have told."""
        async with self._writing:
            await self._settle(job_id)
            archive = self._session.archive
            if archive is not None:
                with suppress(Gone):
                    job = await self.server.any_job(job_id)
                    archive.tally.build_on(max(job.total_count or 0, job.recent_total or 0))
                await self._update(job_id)
                if archive.tally.posts > archive.tally.settled:  # told in two parts
                    await self._update(job_id)

    async def started(self, job: Job) -> None:
        """Set the status to STARTED, if it still is STARTING and the stream is still open."""
        await self._answer(job, Status.STARTED, Status.STARTING, lambda: self._session.streaming)

    async def stopped(self, job: Job, still: Callable[[], bool]) -> None:
        """Set the status to STOPPED, if it still is STOPPING, and `still` says to stop."""
        await self._answer(job, Status.STOPPED, Status.STOPPING, still)

    async def _read_and_report(self, job: Job) -> None:
        await self._report(await self._take_totals(job))

    async def _take_totals(self, job: Job, *, of_all: bool = False) -> Job:
        """
        Return the job as it is now, and tell the tally what the server counts, by the newest update
        alone where that says enough, and not `of_all`.
        """
        job = await self._read_again(job)
        archive = self._session.archive
        if archive is not None:
            if of_all:
                with suppress(ServerError):
                    rows = await self._newest.counted(job)
                    archive.tally.rebase(job.total_count, rows, of_all=True)
            archive.tally.rebase(job.total_count, job.rows)
            if archive.tally.in_doubt:
                archive.tally.rebase(job.total_count, await self._newest.counted(job))
        return job

    async def _report(self, job: Job) -> None:
        """Write what waits to the file, then report what is in files, if that could be kept."""
        archive = self._session.archive
        if archive is not None and await archive.all_said():
            total, rate = archive.tally.ping(self._clock.seconds())
            if await archive.all_said():
                await self.server.report(job, total, rate)
                archive.tally.told(total)

    async def _answer(
        self, job: Job, answer: Status, requested: Status, still: Callable[[], bool]
    ) -> None:
        """Set the status to `answer`, if it still is `requested` and `still` returns True."""

        async def read_and_set() -> None:
            # One with a revision need not be read again: the server says if that is not the newest.
            has_seen = job.revision is not None and job.status == requested
            for reading in range(READINGS):
                now = job if has_seen and not reading else await self._read_again(job)
                if now.status != requested or not still():
                    break
                with suppress(Stale):
                    await self.server.set_status(now, answer)
                    break

        async with self._writing:
            await self._unless_gone(job, read_and_set)

    async def _unless_gone(self, job: Job, act: Callable[[], Awaitable[object]]) -> None:
        """
        Do that.  If the server says then that the job is gone, ask it once more, for the list and
        for the job; if it has the job all the same, do it again.
        """
        try:
            await act()
        except Gone:
            listing = await self.server.active_jobs()
            if not any(one.id == job.id and not one.lost_since(job) for one in listing.jobs):
                await self._read_again(job)
            try:
                await act()
            except Gone:
                reason = "it denies that the job is this client's, and says elsewhere that it is"
                raise ServerError(reason) from None

    async def _read_again(self, known: Job) -> Job:
        """Return the job as it is now.  Raises Gone if it has been lost since it was `known`."""
        job = await self.server.job(known.id)
        if job.lost_since(known):
            raise Gone()
        return job

    async def _update(self, job_id: int) -> None:
        """Find out whether the last update arrived, if that is not known, and send the next one."""
        await self._settle(job_id)
        archive = self._session.archive
        if archive is None or archive.tally.unsettled:
            return  # the job was renamed meanwhile: the next update settles that
        if not await archive.all_said() or self._session.archive is not archive:
            return
        if self.server.takes_late_updates and archive is self._late_of:
            for one in self._late.untold(archive.tally.settled, archive.tally.posts):
                await self._send(job_id, archive, one)
                if self._session.archive is not archive or archive.tally.unsettled:
                    return
        await self._send(job_id, archive)

    async def _send(self, job_id: int, archive: Archive, late: Reached | None = None) -> None:
        """Send an update: the next one, or of how it was some time ago."""
        tally, now = archive.tally, self._clock.seconds()
        reached, age = (None, None) if late is None else (late.posts, now - late.at)
        update = tally.update(now, reached)
        if not await archive.all_said():
            tally.rejected()
            return
        try:
            await self.server.update(job_id, update, age)
        except (Gone, ServerError) as e:
            if e.refused:
                tally.rejected()
            raise
        if self._session.archive is archive:
            tally.accepted(update)

    async def _settle(self, job_id: int) -> None:
        """Find out whether the last update arrived, if that is not known."""
        archive = self._session.archive
        if archive is not None and archive.tally.unsettled:
            rows = await self._newest.of(await self.server.any_job(job_id))
            if self._session.archive is archive:  # otherwise the job was renamed meanwhile
                archive.tally.settle(rows)


class _Updates:
    """The newest updates of jobs, the last one last."""

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._has_failed = False

    async def of(self, job: Job) -> list[Row]:
        """
        Return those of a job.  The job itself shows one, without its count, so the server's list is
        asked, unless that has failed twice, or does not go so far.
        """
        try:
            rows = await self._server.newest_updates(job.id)
        except ServerError:
            self._has_failed = not self._has_failed
            if self._has_failed:
                raise
            rows = []
        else:
            self._has_failed = False
        return _until(job, rows)

    async def counted(self, job: Job) -> list[Row]:
        """Return the same, each with a count."""
        return [(count or 0, total, rate) for count, total, rate in await self.of(job)]


def _until(job: Job, rows: list[Row]) -> list[Row]:
    """Return the newest updates of a job, without those that are newer than it."""
    while rows and rows[-1][1:] != (job.recent_total, job.recent_rate):
        rows.pop()
    return rows or job.rows
