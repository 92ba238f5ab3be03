"""
What the server is told about one job, one write after the other.

Knows when a status may be written and how counts are settled; it does not know when to speak.
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
    All methods raise Gone where the job is archived, deleted or reassigned, and ServerError where
    there was no clear answer; they may then be called again.
    """

    def __init__(self, server: ControlServer, session: Session, clock: IReactorTime) -> None:
        self._server = server
        self._session = session
        self._clock = clock
        self._writing = DeferredLock()

    async def report(self, job: Job) -> None:
        """total_count, rate and ping_date, into the job as it was just read."""
        if self._writing.locked:
            await self.read_and_report(job)  # it may be another by the time that it is our turn
            return
        async with self._writing:
            await self._report(job)

    async def read_and_report(self, job: Job) -> None:
        """The same, where `job` was read some time ago."""
        async with self._writing:
            archive = self._session.archive
            if archive is not None:
                job = await self._read_again(job)
                archive.take_server_total(job.total_count)
                await self._report(job)

    async def update(self, job_id: int) -> None:
        """What is new since the last update, into the job's history."""
        async with self._writing:
            if self._session.archive is not None:
                await self._update(job_id, self._session.archive)

    async def started(self, job: Job) -> None:
        """Answer a wish to start, if it still stands and the stream still does."""
        await self._answer(job, Status.STARTED, Status.STARTING, lambda: self._session.streaming)

    async def stopped(self, job: Job, still: Callable[[], bool]) -> None:
        """Answer a wish to stop, if it still stands and the capture is `still` at rest."""
        await self._answer(job, Status.STOPPED, Status.STOPPING, still)

    async def _report(self, job: Job) -> None:
        archive = self._session.archive
        if archive is not None:
            archive.flush()
            total, rate = archive.tally.ping(self._clock.seconds())
            await self._server.report(job, total, rate)

    async def _answer(
        self, job: Job, answer: Status, wish: Status, still: Callable[[], bool]
    ) -> None:
        async with self._writing:
            job = await self._read_again(job)
            if job.status == wish and still():
                await self._server.set_status(job, answer)

    async def _read_again(self, known: Job) -> Job:
        job = await self._server.job(known.id)
        if job.lost_since(known):
            raise Gone()
        return job

    async def _update(self, job_id: int, archive: Archive) -> None:
        tally = archive.tally
        if tally.unsettled:
            recent_total = await self._recent_total(job_id)
            if self._session.archive is not archive:
                return  # the job was renamed meanwhile: the next update settles it there
            archive.settle(recent_total)
        archive.flush()
        update = tally.update(self._clock.seconds())
        try:
            await self._server.update(job_id, update)
        except ServerError as e:
            if e.refused:
                tally.rejected()
            raise
        if self._session.archive is archive:
            archive.settled(update)

    async def _recent_total(self, job_id: int) -> int | None:
        """The total of the newest update that the server has stored."""
        return (await self._server.any_job(job_id)).recent_total
