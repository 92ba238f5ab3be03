"""
One job of the server, from the time that it is wanted to the last report about it.

Knows what the server has to be told, and what to try again; does not know the order of states,
which is in `lifecycle`, nor when the server is asked for jobs, which is in `poller`.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcclient.captures.lifecycle import Core, machine
from tcclient.captures.reporter import Reporter
from tcclient.captures.serverlog import ServerLog
from tcclient.captures.session import Session
from tcclient.control.client import Gone, ServerError
from tcclient.control.jobs import Job, Status

log = Logger()

GOODBYE = 5.0
"""Seconds that the last report may take when the process ends."""


class Capture:
    """
    One job of the server, as long as it is captured or the server has not been told everything.

    No method raises, or returns a Deferred that fails, because of the server: what it does not
    take is logged, and tried again at the next call.  `done` is called when it has been told
    everything.
    """

    def __init__(
        self,
        job: Job,
        session: Session,
        reporter: Reporter,
        server_log: ServerLog,
        done: Callable[["Capture"], object],
    ) -> None:
        self._core = Core(job, session, self._conclude, lambda: done(self))
        self._inputs = machine(self._core)
        self._reporter = reporter
        self._server_log = server_log
        self._under_way: dict[object, Deferred[bool]] = {}
        self._given_up = False

    @property
    def job(self) -> Job:
        """The job as it was read last."""
        return self._core.job

    @property
    def session(self) -> Session:
        """What captures the job."""
        return self._core.session

    def want(self, job: Job) -> None:
        """Capture the job, which the server wants; `job` is the newest reading of it."""
        self._core.job, self._core.gone = job, False
        self._inputs.want()
        self._take_server_total()

    def drop(self, job: Job) -> None:
        """
        Stop capturing the job, which the server does not want, and make the last report.  A call
        after that tries again what the server has not taken.  `job` is the newest reading of it.
        """
        self._core.job = job
        self._take_server_total()
        self._inputs.drop()

    def lose(self) -> None:
        """
        Stop capturing a job that is archived, deleted or another client's now.  Nothing but the
        last update of its history is sent to the server then.
        """
        if not self._core.gone:
            log.info(
                "Job {name!r} ({id}) is archived, deleted, or another client's.",
                name=self.job.name,
                id=self.job.id,
            )
        self._core.gone = True
        self._inputs.drop()

    def tell(self) -> None:
        """
        Begin to report, and if the server waits for the start and the stream is open, to answer
        that too; neither while the same is under way.
        """
        self._start("taking a report", lambda: self._reporter.report(self.job))
        if self.job.status == Status.STARTING and self.session.streaming:
            self.answer_start()

    def answer_start(self) -> None:
        """Begin to tell the server that the capture has started, if it waits for that."""
        self._start("taking a status", lambda: self._reporter.started(self.job))

    def add_to_history(self) -> None:
        """Begin to send an update of the job's history, unless an older one is under way."""
        self._start("taking an update", lambda: self._reporter.update(self.job.id))

    def say_how_it_goes(self) -> None:
        """Log posts, rate and whether the stream is open; nothing if there is no archive."""
        archive = self.session.archive
        if archive is not None:
            new, rate = archive.tally.glance(self.session.clock.seconds())
            log.info(
                "Capture {name!r}: {total} posts in all, {new} new, {rate}/s, {state}.",
                name=archive.name,
                total=archive.tally.total,
                new=new,
                rate=rate,
                state="connected" if self.session.streaming else "not connected",
            )

    async def leave(self) -> None:
        """
        Finish the files, and send a last report in at most GOODBYE seconds, as the process ends.
        The status at the server stays as it is, so that a restart resumes the capture.
        """
        self._inputs.leave()
        self._core.conclusion = None
        await self.session.halt("left")
        bound = self.session.clock.callLater(GOODBYE, self._give_up)
        await self._follow_up("goodbye", self._report_before_leaving())
        if bound.active():
            bound.cancel()
        self._abandon()
        self.session.retire()

    async def _report_before_leaving(self) -> bool:
        """Send the last report and update.  Return whether the server has taken the update."""
        if not self._core.gone:
            await self._attempt("taking a report", self._reporter.read_and_report(self.job))
        return await self._attempt("taking an update", self._reporter.update(self.job.id))

    def _give_up(self) -> None:
        """End the last report, which takes longer than GOODBYE."""
        log.warn("The server did not take the last report in time.")
        self._abandon()

    def _abandon(self) -> None:
        """Cancel what is under way with the server, and begin nothing more."""
        self._given_up = True
        for attempt in list(self._under_way.values()):
            attempt.cancel()

    def _take_server_total(self) -> None:
        """Tell the archive, if there is one, the total that the server has for the job."""
        if self.session.archive is not None:
            self.session.archive.take_server_total(self.job.total_count)

    def _conclude(self) -> None:
        """Begin the last report, unless one is under way."""
        if self._core.conclusion is None:
            self._core.conclusion = conclusion = object()
            self._follow_up(conclusion, self._attempt_to_conclude(conclusion))

    async def _attempt_to_conclude(self, conclusion: object) -> bool:
        """
        Try the last report that `conclusion` stands for.  Return whether the server has taken it.
        """

        def still() -> bool:
            return self._core.conclusion is conclusion

        concluded = await self._attempt("taking the last report", self._last_report(still))
        if still():
            self._core.conclusion = None
        return concluded

    async def _last_report(self, still: Callable[[], bool]) -> None:
        """
        Report, update the history, and set the status, in this order: when the status says
        stopped, the server's total is what is on disk.  An update that is not taken must not hold
        up the status, and is tried again.  `still` says whether the job is still to be stopped.
        """
        if self._core.gone:
            await self._last_update()
        else:
            self.session.reopen(self.job)
            await self._reporter.read_and_report(self.job)
            updated = await self._attempt("taking an update", self._reporter.update(self.job.id))
            await self._reporter.stopped(self.job, still)
            if not updated:
                return
        if still():
            self._inputs.concluded()

    async def _last_update(self) -> None:
        """
        Send the last update of a job that is not ours any more, where the server takes it.  Raises
        ServerError if the server may take it later.
        """
        try:
            await self._reporter.update(self.job.id)
        except Gone:
            return
        except ServerError as e:
            if not e.refused:
                raise

    def _start(self, doing: str, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin `act`, unless `doing` is under way: no queue may grow before a slow server."""
        if doing not in self._under_way and not self._given_up:
            self._follow_up(doing, self._attempt(doing, act()))

    def _follow_up(self, key: object, act: Coroutine[Any, Any, bool]) -> Deferred[bool]:
        """Begin `act`, and keep it under `key` until it ends.  Fires with its result."""
        attempt = Deferred.fromCoroutine(act)
        if not attempt.called:
            self._under_way[key] = attempt
            attempt.addBoth(self._ended, key)
        return attempt

    def _ended(self, result: bool, key: object) -> bool:
        del self._under_way[key]
        return result

    async def _attempt(self, doing: str, act: Coroutine[Any, Any, None]) -> bool:
        """Return whether the server has taken `act`.  Logs why not, and raises nothing."""
        if self._given_up:
            act.close()
            return False
        try:
            await act
        except Gone:
            self.lose()
        except Exception as e:
            self._say_failed(doing, e)
        else:
            self._server_log.succeeded(doing)
            return True
        return False

    def _say_failed(self, doing: str, error: Exception) -> None:
        """Log that `doing` has failed, unless it was cancelled because the process ends."""
        if self._given_up:
            return
        if isinstance(error, ServerError):
            self._server_log.failed(doing, str(error))
        else:
            log.failure("Talking to the capture server failed at {doing}.", doing=doing)
