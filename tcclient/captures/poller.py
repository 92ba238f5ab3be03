"""
Asks the server at an interval what to capture, and runs, reports and stops captures accordingly.

Knows which captures there are; does not know what a capture tells the server.  When the server
gives no answer, captures go on as they are: that is not the answer that there are no jobs.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import attrs
from twisted.application.service import MultiService, Service
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    FirstError,
    TimeoutError,
    gatherResults,
    maybeDeferred,
)
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient import __version__
from tcclient.captures.capture import Capture
from tcclient.captures.meeting import ServerMeeting
from tcclient.captures.reporter import Reporter
from tcclient.captures.serverlog import ServerLog
from tcclient.captures.session import Session
from tcclient.control.client import ControlServer, Gone, ServerError
from tcclient.control.jobs import Decision, Job, Status, decide
from tcclient.ledger.entries import ClockStep
from tcclient.sources.source import Source
from tcclient.storage.folders import Folders

log = Logger()

PARTING = 15.0
"""Seconds that all work may take when the process ends; the next start recovers what is left."""


@attrs.frozen
class Intervals:
    """Seconds between two polls, and between two updates of a job's history."""

    ping: float
    update: float


class Poller(MultiService):
    """
    Runs the captures; their sessions are its services.  stopService() fires when their files are
    finished and the last reports are sent, or after PARTING seconds.
    """

    def __init__(
        self,
        server: ControlServer,
        folders: Folders,
        source: Source,
        intervals: Intervals,
        client_id: int,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._server = server
        self._folders = folders
        self._source = source
        self._clock: IReactorTime = folders.clock
        self._listing_log = ListingLog(client_id)
        self._server_log = ServerLog(folders.note, folders.clock)
        self._captures: dict[int, Capture] = {}
        self._decision = Decision()
        self._meeting = ServerMeeting(folders, source)
        self._under_way: set[Deferred[None]] = set()
        self._polling = self._loop(self._poll)
        self._updating = self._loop(self._update)
        self._intervals = intervals

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        log.info(
            "tcc {version} starts: files go below {folder}.",
            version=__version__,
            folder=str(self._folders.base_dir),
        )
        self._folders.begin()
        self._polling.start(self._intervals.ping, now=True)
        self._updating.start(self._intervals.update, now=False)

    def clock_stepped(self, seconds: float) -> None:
        """Note in each ledger that the machine's clock was set by `seconds`, negative for back."""
        self._folders.note(ClockStep(seconds=round(seconds, 3)))
        for capture in self._captures.values():
            capture.session.clock_stepped(seconds)

    def stopService(self) -> Deferred[None]:
        # The base class would stop the sessions before the last reports have been sent.
        Service.stopService(self)
        for loop in (self._polling, self._updating):
            if loop.running:
                loop.stop()
        for act in list(self._under_way):
            act.cancel()
        parting = Deferred.fromCoroutine(self._part())
        parting.addTimeout(PARTING, self._clock)
        return parting.addErrback(self._ran_out_of_time)

    def _ran_out_of_time(self, failure: Failure) -> None:
        """Log that not all was finished, and note in the ledgers which posts are lost."""
        if _was_given_up(failure):
            log.error("Not all was finished within {s:g} s: the next start does it.", s=PARTING)
        else:
            log.failure("Not all was finished.", failure)
        for capture in self._captures.values():
            capture.session.give_up()

    async def _part(self) -> None:
        """Have all captures leave, then stop the services, the last one first."""
        self._source.part()
        captures = list(self._captures.values())
        await gatherResults(
            [Deferred.fromCoroutine(capture.leave()) for capture in captures], consumeErrors=True
        )
        for service in reversed(list(self)):
            await maybeDeferred(service.stopService).addErrback(_unless_given_up)
        self._folders.end()
        log.info("tcc has stopped; all files are finished.")

    def _loop(self, act: Callable[[], Coroutine[Any, Any, None]]) -> LoopingCall:
        """Return a loop that does not end when `act` fails."""

        def guarded() -> Deferred[None]:
            # A LoopingCall ends for ever with the first exception that reaches it.
            acting = Deferred.fromCoroutine(act())
            acting.addErrback(lambda f: log.failure("Polling failed; it is tried again.", f))
            self._under_way.add(acting)
            return acting.addCallback(lambda _: self._under_way.discard(acting))

        loop = LoopingCall(guarded)
        loop.clock = self._clock
        return loop

    async def _poll(self) -> None:
        """Ask for the jobs, and do what they say; if there is no answer, do nothing."""
        self._folders.wall()  # tells of a step of the clock, where nothing else asks for the date
        try:
            listing = await self._server.active_jobs()
        except ServerError as e:
            if self.running:
                self._server_log.failed("listing the jobs", str(e))
            return
        self._server_log.succeeded("listing the jobs")
        self._listing_log.unreadable(listing.problems)
        if not self._meeting.is_known(listing):
            return
        jobs = {job.id: job for job in listing.jobs}
        await self._look_for_missing(jobs)
        if self.running:
            self._act(jobs)

    async def _look_for_missing(self, jobs: dict[int, Job]) -> None:
        """
        Ask for each captured job that is not in `jobs`, and add it if it is still this client's: a
        job is gone only if the server says so of the job itself.
        """
        for capture in list(self._captures.values()):
            known = capture.job
            if known.id in jobs or not self.running:
                continue
            try:
                job = await self._server.job(known.id)
            except Gone:
                capture.lose()
            except ServerError as e:
                if self.running:
                    self._server_log.failed(f"finding job {known.id}", str(e))
                jobs[known.id] = known
            else:
                self._server_log.succeeded(f"finding job {known.id}")
                if job.lost_since(known):
                    capture.lose()
                else:
                    jobs[job.id] = job

    def _act(self, jobs: dict[int, Job]) -> None:
        """Run the captures that are wanted and can run, and stop the others."""
        self._decision = decide(list(jobs.values()), self._source.most_captures)
        for job in jobs.values():
            if job not in self._decision.captured:
                self._stop(job)
        for job in self._decision.captured:
            self._run(job)
        self._listing_log.decided(self._decision)

    def _stop(self, job: Job) -> None:
        """Stop the capture of a job, and one that an earlier process has left to be stopped."""
        capture = self._captures.get(job.id)
        if job.withdrawn:
            if capture is not None:
                capture.lose()
        elif capture is not None or job.status == Status.STOPPING:
            (capture or self._add(job)).drop(job)

    def _run(self, job: Job) -> None:
        """Run the capture of a job, unless the source has no room for it before the next poll."""
        capture = self._captures.get(job.id) or self._add(job)
        # A source that can run only so many captures has room when another stream is closed.
        most = self._source.most_captures
        others = [other for other in self._captures.values() if other is not capture]
        if most is None or sum(not other.session.quiet for other in others) < most:
            capture.want(job)
            capture.tell()

    def _add(self, job: Job) -> Capture:
        """Return a new capture for a job; nothing of it runs yet."""
        session = Session(job, self._folders, self._source, lambda: capture.answer_start())
        reporter = Reporter(self._server, session, self._clock)
        capture = Capture(job, session, reporter, self._server_log, self._forget)
        session.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        self._captures[job.id] = capture
        return capture

    def _forget(self, capture: Capture) -> None:
        capture.session.disownServiceParent()  # type: ignore[no-untyped-call]  # not annotated
        del self._captures[capture.job.id]

    async def _update(self) -> None:
        """Have each running capture update its job's history and log how it goes."""
        for job in self._decision.captured:
            capture = self._captures.get(job.id)
            if capture is not None:
                capture.add_to_history()
                capture.say_how_it_goes()


class ListingLog:
    """What the log has said of the server's lists of jobs: no news twice.  `client_id` is ours."""

    def __init__(self, client_id: int) -> None:
        self._client_id = client_id
        self._mentioned: dict[str, object] = {}

    def unreadable(self, problems: Sequence[str]) -> None:
        """Log which jobs of a list cannot be read; `problems` has a clause about each."""
        if self._is_news("unreadable jobs", problems):
            for problem in problems:
                log.warn("The server lists a job that cannot be read: {problem}", problem=problem)

    def decided(self, decision: Decision) -> None:
        """Log what is remarkable about a decision."""
        if self._is_news("any", bool(decision.captured)) and not decision.captured:
            log.info("The server has nothing to capture for this client now.")
        if self._is_news("left out", [job.id for job in decision.left_out]) and decision.left_out:
            log.warn(
                "Several jobs of this client are to run, and one stream is all there is: "
                "{captured} is captured, not {others}.",
                captured=_named(decision.captured),
                others=_named(decision.left_out),
            )
        worker = decision.captured[0].assigned_worker if decision.captured else None
        if worker not in (None, self._client_id) and self._is_news("worker", worker):
            log.warn(
                "The server knows this client as {worker}, the settings as {id}: check "
                "server.client_id and server.auth_token.",
                worker=worker,
                id=self._client_id,
            )

    def _is_news(self, topic: str, state: object) -> bool:
        """Return whether the state of `topic` is another than at the last call, and remember it."""
        news = self._mentioned.get(topic) != state
        self._mentioned[topic] = state
        return news


def _unless_given_up(failure: Failure) -> Failure | None:
    """Log why one service has not stopped, so that the others are stopped all the same."""
    if _was_given_up(failure):
        return failure
    log.failure("Not all was finished.", failure)
    return None


def _was_given_up(failure: Failure) -> bool:
    """Return whether nothing failed, but something took too long."""
    while isinstance(failure.value, FirstError):
        failure = failure.value.subFailure
    return failure.check(CancelledError, TimeoutError) is not None


def _named(jobs: Sequence[Job]) -> str:
    """Return the names and ids of jobs, for the log."""
    return ", ".join(f"{job.name!r} ({job.id})" for job in jobs)
