"""
The state machine of a capture: what is open for a job, from the first wish to the last report.

    idle ------want-----> running ---drop---> closing --closed--> concluding --concluded--> done
      |                   ^  ^ ^                |  ^               |      ^
      |                   |  | |              want drop            |      |
      |                   |  | |                v  |               |      |
      |                   |  | +---closed--- reopening             |      |
      |                   |  +----------------want-----------------+      |
      +----drop---------------------------------------------------------+

`drop` in `concluding` tries again what the server did not take.  Knows no polling.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import attrs
from automat import TypeMachineBuilder
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcclient.control import Gone, ServerError
from tcclient.jobs import Job, Status
from tcclient.reporter import Reporter
from tcclient.serverlog import ServerLog
from tcclient.session import Session

log = Logger()

GOODBYE = 5.0
"""Seconds that the last report may take when the process ends."""


class Inputs(Protocol):
    """What happens to a capture."""

    def want(self) -> None:
        """The job is to be captured, as it was read last."""

    def drop(self) -> None:
        """The job is not to be captured any more."""

    def closed(self) -> None:
        """The session has ended: the last byte is on disk under its final name."""

    def concluded(self) -> None:
        """The server has been told everything."""


@attrs.define
class Core:
    """What all states share; `job` is the last reading, `gone` means it is no longer ours."""

    job: Job
    session: Session
    conclude: Callable[[], object]
    done: Callable[[], object]
    gone: bool = False


def _build() -> Callable[[Core], Inputs]:
    builder = TypeMachineBuilder(Inputs, Core)
    idle = builder.state("idle")
    running = builder.state("running")
    closing = builder.state("closing")
    reopening = builder.state("reopening")
    concluding = builder.state("concluding")
    done = builder.state("done")

    closing.upon(Inputs.drop).loop().returns(None)
    closing.upon(Inputs.want).to(reopening).returns(None)
    reopening.upon(Inputs.want).loop().returns(None)
    reopening.upon(Inputs.drop).to(closing).returns(None)
    # A conclusion may be under way when the job is wanted again.
    for state in (running, closing, reopening, done):
        state.upon(Inputs.concluded).loop().returns(None)

    @idle.upon(Inputs.want).to(running)
    @running.upon(Inputs.want).loop()
    @reopening.upon(Inputs.closed).to(running)
    @concluding.upon(Inputs.want).to(running)
    def run(inputs: Inputs, core: Core) -> None:
        core.session.run(core.job)

    @running.upon(Inputs.drop).to(closing)
    def close(inputs: Inputs, core: Core) -> None:
        halted = Deferred.fromCoroutine(core.session.halt())
        halted.addErrback(lambda failure: log.failure("A capture did not end well.", failure))
        halted.addCallback(lambda _: inputs.closed())

    @closing.upon(Inputs.closed).to(concluding)
    @idle.upon(Inputs.drop).to(concluding)
    @concluding.upon(Inputs.drop).loop()
    def conclude(inputs: Inputs, core: Core) -> None:
        core.conclude()

    @concluding.upon(Inputs.concluded).to(done)
    def retire(inputs: Inputs, core: Core) -> None:
        core.session.retire()
        core.done()

    return builder.build()


_machine = _build()


class Capture:
    """
    One job of the server, as long as anything about it is running or unreported.

    No method raises, or returns a Deferred that fails: what the server does not take is said in
    the log, and tried again at the next call.
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
        self._inputs = _machine(self._core)
        self._reporter = reporter
        self._server_log = server_log
        self._conclusion: Deferred[bool] | None = None

    @property
    def job(self) -> Job:
        """As it was read last."""
        return self._core.job

    @property
    def session(self) -> Session:
        return self._core.session

    def want(self, job: Job) -> None:
        """The server wants `job` captured, as it reads now."""
        self._core.gone = False
        self._read(job)
        self._inputs.want()

    def drop(self, job: Job) -> None:
        """The server does not want it captured."""
        self._read(job)
        self._inputs.drop()

    def lose(self) -> None:
        """The job is archived, deleted or another client's: only its history is written to."""
        self._core.gone = True
        self._inputs.drop()

    def tell(self) -> None:
        """Report, and answer a wish to start.  Does nothing while an older report is under way."""
        if self._reporter.busy:
            return
        self._spawn("taking a report", self._reporter.report(self.job))
        if self.job.status == Status.STARTING and self.session.streaming:
            self.answer_start()

    def answer_start(self) -> None:
        """The stream is open: say so, where somebody waits for it."""
        self._spawn("taking a status", self._reporter.started(self.job.id))

    def add_to_history(self) -> None:
        """Send an update."""
        self._spawn("taking an update", self._reporter.update(self.job.id))

    def say_how_it_goes(self) -> None:
        """One line for whoever looks at the log."""
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
        The process ends: finish the files and send a last report.  The status stays as it is, so
        that a restart resumes.
        """
        await self.session.halt()
        clock = self.session.clock
        reports = Deferred.fromCoroutine(self._report_before_leaving())
        await reports.addTimeout(GOODBYE, clock).addErrback(
            lambda _: log.warn("The server did not take the last report in time.")
        )
        self.session.retire()

    async def _report_before_leaving(self) -> None:
        if not self._core.gone:
            await self._attempt("taking a report", self._reporter.report(self.job))
        await self._attempt("taking an update", self._reporter.update(self.job.id))

    def _read(self, job: Job) -> None:
        self._core.job = job
        if self.session.archive is not None:
            self.session.archive.take_server_total(job.total_count)

    def _conclude(self) -> None:
        if self._conclusion is None or self._conclusion.called:
            self._conclusion = self._spawn("taking the last report", self._last_report())

    async def _last_report(self) -> None:
        """
        The server's total equals what is on disk before the status says stopped.  An update that
        is not taken must not hold up the status, and is tried again.
        """
        if self._core.gone:
            await self._last_update()
        else:
            self.session.reopen(self.job)
            self._read(self.job)
            await self._reporter.report(self.job)
            updated = await self._attempt("taking an update", self._reporter.update(self.job.id))
            await self._reporter.stopped(self.job.id)
            if not updated:
                return
        self._inputs.concluded()

    async def _last_update(self) -> None:
        try:
            await self._reporter.update(self.job.id)
        except Gone:
            return
        except ServerError as e:
            if not e.refused:
                raise

    def _spawn(self, doing: str, act: Coroutine[Any, Any, None]) -> Deferred[bool]:
        return Deferred.fromCoroutine(self._attempt(doing, act))

    async def _attempt(self, doing: str, act: Coroutine[Any, Any, None]) -> bool:
        try:
            await act
        except Gone:
            self.lose()
        except ServerError as e:
            self._server_log.failed(doing, str(e))
        except Exception:
            log.failure("Talking to the capture server failed at {doing}.", doing=doing)
        else:
            self._server_log.succeeded(doing)
            return True
        return False
