"""
What the server is told about one job, one write after the other.

Knows when a status may be written, and what to do about an update whose answer was not seen; does
not know when to report.
"""

from collections.abc import Callable

from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime

from tcclient.captures.session import Session
from tcclient.control.client import ControlServer, Gone, ServerError
from tcclient.control.jobs import Job, Status
from tcclient.storage.archive import Archive


class Reporter:
    """
    Tells the server about one job; does not write while an earlier write is under way.

    Each method raises Gone if the job is archived, deleted or another client's, and ServerError if
    there is no clear answer; it may be called again then.  Without an archive there is nothing to
    report.
    """

    def __init__(self, server: ControlServer, session: Session, clock: IReactorTime) -> None:
        self._server = server
        self._session = session
        self._clock = clock
        self._writing = DeferredLock()

    async def report(self, job: Job) -> None:
        """Write total_count, rate and ping_date; `job` is as it was just read."""
        if self._writing.locked:
            await self.read_and_report(job)  # the job may have changed when it is our turn
            return
        async with self._writing:
            await self._report(job)

    async def read_and_report(self, job: Job) -> None:
        """Read the job again, take its total, and write total_count, rate and ping_date."""
        async with self._writing:
            archive = self._session.archive
            if archive is not None:
                job = await self._read_again(job)
                archive.tally.rebase(job.total_count)
                await self._report(job)

    async def update(self, job_id: int) -> None:
        """Add to the job's history what is new since the last update."""
        async with self._writing:
            if self._session.archive is not None:
                await self._update(job_id, self._session.archive)

    async def started(self, job: Job) -> None:
        """Set the status to STARTED, if it still is STARTING and the stream is still open."""
        await self._answer(job, Status.STARTED, Status.STARTING, lambda: self._session.streaming)

    async def stopped(self, job: Job, still: Callable[[], bool]) -> None:
        """Set the status to STOPPED, if it still is STOPPING, and `still` says to stop."""
        await self._answer(job, Status.STOPPED, Status.STOPPING, still)

    async def _report(self, job: Job) -> None:
        """Write what waits to the file, then report what is in files."""
        archive = self._session.archive
        if archive is not None:
            archive.flush()
            total, rate = archive.tally.ping(self._clock.seconds())
            await self._server.report(job, total, rate)

    async def _answer(
        self, job: Job, answer: Status, requested: Status, still: Callable[[], bool]
    ) -> None:
        """Set the status to `answer`, if it still is `requested` and `still` returns True."""
        async with self._writing:
            job = await self._read_again(job)
            if job.status == requested and still():
                await self._server.set_status(job, answer)

    async def _read_again(self, known: Job) -> Job:
        """Return the job as it is now.  Raises Gone if it has been lost since it was `known`."""
        job = await self._server.job(known.id)
        if job.lost_since(known):
            raise Gone()
        return job

    async def _update(self, job_id: int, archive: Archive) -> None:
        """Find out whether the last update arrived, if that is not known, and send the next one."""
        tally = archive.tally
        if tally.unsettled:
            recent_total = (await self._server.any_job(job_id)).recent_total
            if self._session.archive is not archive:
                return  # the job was renamed meanwhile: the next update settles it there
            tally.settle(recent_total)
        archive.flush()
        update = tally.update(self._clock.seconds())
        try:
            await self._server.update(job_id, update)
        except ServerError as e:
            if e.refused:
                tally.rejected()
            raise
        if self._session.archive is archive:
            tally.accepted(update)
