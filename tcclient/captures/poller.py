"""
Asks the server at an interval what to capture, and runs, reports and stops captures accordingly.

Knows which captures there are; does not know what a capture tells the server.  When the server
gives no answer, captures go on as they are: that is not the answer that there are no jobs.
"""

from functools import partial

from msgspec import Struct
from twisted.application.service import MultiService, Service
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    FirstError,
    TimeoutError,
    maybeDeferred,
    succeed,
)
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient import __version__
from tcclient.captures.atonce import AtOnce
from tcclient.captures.capture import Capture
from tcclient.captures.healthlog import LOOK
from tcclient.captures.isolation import Isolation
from tcclient.captures.jumps import Jumps
from tcclient.captures.listinglog import ListingLog
from tcclient.captures.meeting import ServerMeeting
from tcclient.captures.missing import MissingJobs
from tcclient.captures.paces import leave_all, say_ended, tell_spread
from tcclient.captures.reporter import Reporter
from tcclient.captures.rounds import Rounds
from tcclient.captures.serverlog import ServerLog
from tcclient.captures.session import Session
from tcclient.captures.telling import Telling
from tcclient.captures.turns import Turns
from tcclient.captures.vitals import RUNNING, Sides
from tcclient.control.answers import ServerError
from tcclient.control.client import ControlServer
from tcclient.control.jobs import Decision, Job, Status, decide
from tcclient.control.realtime import NO_CHANNEL, RealtimeChannel
from tcclient.runtime.ownprocess import ALONE, OwnProcess
from tcclient.runtime.turns import Breath
from tcclient.sources.source import Source
from tcclient.storage.folders import Folders
from tcclient.storage.installation import Identity

log = Logger()

PARTING = 15.0
"""Seconds that all work may take when the process ends; the next start recovers what is left."""


class Intervals(Struct, frozen=True):
    """Seconds between two polls, and between two updates of a job's history."""

    ping: float
    update: float


class Poller(MultiService):
    """
    Runs the captures; their sessions are its services.  stopService() fires when their files are
    finished and the last reports are sent, or after PARTING seconds.  `jumps` is to be told when
    the date jumps.
    """

    def __init__(
        self,
        server: ControlServer,
        folders: Folders,
        source: Source,
        intervals: Intervals,
        client_id: int,
        process: OwnProcess = ALONE,
        channel: RealtimeChannel = NO_CHANNEL,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._server = server
        self._folders = folders
        self._source = source
        self._clock: IReactorTime = folders.clock
        self._listing_log = ListingLog(client_id)
        self._isolation = Isolation()
        self._server_log = ServerLog(folders.note, folders.clock)
        self._captures: dict[int, Capture] = {}
        self._missing = MissingJobs(
            server, self._captures, self._server_log, self._isolation, self._found
        )
        self._decision = Decision()
        self._turns = Turns(lambda: source.most_captures, self._has_place)
        self._unreported: list[tuple[int, str]] | None = None
        self._meeting = ServerMeeting(folders, self._met)
        self._rounds = rounds = Rounds(folders.clock, self._isolation)
        self._updating = rounds.loop("sending updates", self._update)
        sides = Sides(server, folders, source, self._server_log, self._isolation, process, channel)
        self._telling = Telling(sides, lambda: self._decision, self._captures)
        self._judging = rounds.loop("judging its health", self._telling.judge)
        self._at_once = AtOnce(rounds, self._poll, self._telling, channel)
        channel.setServiceParent(self)
        self._client_id, self._intervals = client_id, intervals
        self._reporting: Deferred[None] = succeed(None)
        self.jumps = Jumps(
            folders.note,
            source,
            lambda: [capture.session for capture in self._captures.values()],
            (self._at_once.polling.loop, self._updating),
        )

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        base = str(self._folders.base_dir)
        log.info("tcc {version} starts: files go below {base}.", version=__version__, base=base)
        self._telling.begin()
        self._folders.begin()
        self._unreported = self._folders.unreported()
        self._at_once.start(self._intervals.ping)
        self._updating.start(self._intervals.update, now=False)
        self._judging.start(LOOK, now=False)

    def stopService(self) -> Deferred[None]:
        # The base class would stop the sessions before the last reports have been sent.
        Service.stopService(self)
        self._rounds.stop()
        self._telling.stop()
        self._missing.stop()
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
            with self._isolation.of("giving up", capture.job):
                capture.session.give_up()

    async def _part(self) -> None:
        """Have all captures leave, then stop the services, the last one first."""
        self._source.part()
        await leave_all(list(self._captures.values()), self._isolation, self._clock)
        await self._telling.part()
        for service in reversed(list(self)):
            with self._isolation.of("stopping"):
                await maybeDeferred(service.stopService)
        await self._folders.end()
        say_ended(self._captures.values())

    async def _poll(self) -> None:
        """Ask for the jobs, and do what they say; if there is no answer, do nothing."""
        self._folders.wall()  # tells of a step of the clock, where nothing else asks for the date
        try:
            listing = await self._server.active_jobs()
        except ServerError as e:
            if self.running:
                self._server_log.failed("listing the jobs", str(e))
                self._telling.failed()
            return
        self._server_log.succeeded("listing the jobs")
        self._listing_log.unreadable(listing.problems)
        if not self._meeting.is_known(listing):
            self._decision = decide(listing.jobs, self._source.most_captures)  # health says it
            return
        jobs = {job.id: job for job in listing.jobs}
        await self._missing.add_to(jobs)
        if self.running:
            await self._act(jobs)
            self._missing.look_beside(jobs)
            self._telling.polled(listing)
            self._at_once.polling.done()
            if self._reporting.called:  # or it goes on, and the next poll is not held up by it
                ids = [job.id for job in self._decision.captured]
                tell = partial(tell_spread, self._captures, ids, self._intervals.ping, self._clock)
                self._reporting = self._rounds.begin("reporting", tell)

    def _met(self, identity: Identity) -> None:
        """Begin, as it is known which server this is: with jobs that it was not told all of."""
        self._source.begin(identity)
        found = self._folders.unreported() if self._unreported is None else self._unreported
        for job_id, name in found or ():
            if self._folders.is_last(job_id, name):
                me = self._client_id
                self._add(Job(job_id, name, Status.UNKNOWN, None, None, me, False, None))

    def _found(self, job: Job) -> None:
        """Stop the capture of a job that was looked for, or leave it to the next poll to run it."""
        if job.wanted:
            self._captures[job.id].job = job
        else:
            with self._isolation.of("stopping", job):
                self._stop(job)

    async def _act(self, jobs: dict[int, Job]) -> None:
        """Run the captures that are wanted and can run, and stop the others, each on its own."""
        breath = Breath(self._clock)
        self._isolation.keep({*jobs, *self._captures})
        self._decision = self._turns.decide(list(jobs.values()))
        captured, unstorable = self._decision.captured, self._decision.unstorable
        concerned = [job for job in jobs.values() if job not in unstorable]
        running = {job.id for job in captured}
        # People wait for stops, then for starts; new keywords come last.
        for job in sorted(concerned, key=lambda job: (job.id in running, not job.is_starting)):
            await breath.pause()
            with self._isolation.of(RUNNING if job.id in running else "stopping", job):
                (self._run if job.id in running else self._stop)(job)
        self._listing_log.decided(self._decision)

    def _has_place(self, job: Job) -> bool:
        """Return whether the job can be stored, for which its place on the disk is opened."""
        with self._isolation.of("finding its place", job):
            session = (self._captures.get(job.id) or self._add(job)).session
            return (session.archive or session.find_place(job)) is not None
        return False

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

    def _add(self, job: Job) -> Capture:
        """Return a new capture for a job; nothing of it runs yet."""
        session = Session(job, self._folders, self._source, lambda: capture.answer_start())
        session.grown = self._at_once.grown
        reporter = Reporter(self._server, session, self._clock)
        capture = Capture(job, session, reporter, self._server_log, self._isolation, self._forget)
        session.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        self._captures[job.id] = capture
        return capture

    def _forget(self, capture: Capture) -> None:
        self._telling.look()
        capture.session.disownServiceParent()  # type: ignore[no-untyped-call]  # not annotated
        self._server_log.forget(capture.job.id)
        del self._captures[capture.job.id]

    async def _update(self) -> None:
        """Have each running capture update its job's history and log how it goes."""
        for job in self._decision.captured:
            capture = self._captures.get(job.id)
            # Whoever had the job before one that has just begun sends the last update meanwhile.
            if capture is not None and capture.session.age >= self._intervals.update / 2:
                with self._isolation.of("updating its history", job):
                    capture.add_to_history()
                    capture.say_how_it_goes()


def _was_given_up(failure: Failure) -> bool:
    """Return whether nothing failed, but something took too long."""
    while isinstance(failure.value, FirstError):
        failure = failure.value.subFailure
    return failure.check(CancelledError, TimeoutError) is not None
