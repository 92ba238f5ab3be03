"""
One job of the server, from the time that it is wanted to the last report about it.

           want           drop             halted             concluded
    idle --------> running ----> stopping ---------> reporting ----------> done
                    | ^           | ^ |                  |                  ^
                    | |      want | | | lose             |                  |
                    | | halted    v | |                  |                  |
                    | +------- restarting                | lose             |
                    |             ^ | |                  |                  |
               lose |        want | | lose               |                  |
                    |             | v v                  v                  |
                    +---------> withdrawing ---------> updating ------------+
                                             halted           concluded

The lower row is for a job that is lost: archived, deleted or another client's.  In `reporting` and
`updating` the server is told what is left to tell: `drop` (in `updating` also `lose`) tries again
what it has not taken, and `want` leads back to `running`.  `drop` and `lose` lead there from `idle`
too, and `drop` back from `restarting` to `stopping`.  As the process ends, `leave` leads from each
state to `leaving`, or if the job is lost, or all is told, to `parting`, and so does `lose` from
`leaving`; nothing else has an effect then.

Knows what is told, and in which order; does not know when the server is asked for jobs, which is in
`poller`, nor how it is written to, which is in `reporter`.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from automat import TypeMachineBuilder
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcclient.captures.attempts import Attempts, Departure, LastWords, Still
from tcclient.captures.isolation import Isolation
from tcclient.captures.reporter import Reporter
from tcclient.captures.serverlog import ServerLog
from tcclient.captures.session import Session
from tcclient.control.jobs import Job, Status
from tcclient.runtime.unheeded import unheeded

log = Logger()


class CaptureInputs(Protocol):
    """What can happen to a capture.  Automat makes the class that implements this."""

    def want(self) -> None:
        """Called when the job is to be captured, as it was read last."""

    def drop(self) -> None:
        """Called when the job is not to be captured, or not any more."""

    def lose(self) -> None:
        """Called when the job is archived, deleted or another client's."""

    def halted(self) -> None:
        """Called when the session has ended: the last byte is in a file with its final name."""

    def concluded(self) -> None:
        """Called when the server has been told everything."""

    def leave(self) -> None:
        """Called when the process ends."""

    def last_words(self) -> Coroutine[Any, Any, bool]:
        """Return what tells the server the last, once the process ends."""


class Capture:
    """
    One job of the server, as long as it is captured or the server has not been told everything.

    No method raises, or returns a Deferred that fails, because of the server: what it does not
    take is logged, and tried again at the next call.  `done` is called when it has been told all.
    `_conclusion` stands for the last report of the newest stop: when the job is wanted again, a
    slow server may answer an older one after that.
    """

    def __init__(
        self,
        job: Job,
        session: Session,
        reporter: Reporter,
        server_log: ServerLog,
        isolation: Isolation,
        done: Callable[["Capture"], object],
    ) -> None:
        self.job = job
        self.session = session
        self._done = done
        self._isolation = isolation
        self._reporter = reporter
        self._attempts = Attempts(reporter, server_log, isolation, lambda: self.job, self.lose)
        self._conclusion = object()
        self._inputs = machine(self)

    def want(self, job: Job) -> None:
        """Capture the job, which the server wants; `job` is the newest reading of it."""
        self.job = job
        self._inputs.want()
        self._take_server_total()

    def drop(self, job: Job) -> None:
        """Stop capturing the job, and make the last report; once more what was not taken of it."""
        self.job = job
        self._take_server_total()
        self._inputs.drop()

    def lose(self) -> None:
        """Stop capturing a job that is not this client's any more, and send a last update only."""
        self._inputs.lose()

    def tell(self) -> None:
        """
        Begin to report, and if the server waits for the start and the stream is open, to answer
        that too; neither while the same is under way.
        """
        self._attempts.begin("taking a report", lambda: self._reporter.report(self.job))
        if self.job.status == Status.STARTING and self.session.streaming:
            self.answer_start()

    def answer_start(self) -> None:
        """Begin to tell the server that the capture has started, if it waits for that."""
        self._attempts.begin("taking a status", lambda: self._reporter.started(self.job))

    def add_to_history(self) -> None:
        """Begin to send an update of the job's history, unless an older one is under way."""
        self._reporter.update_is_due()
        self._attempts.begin("taking an update", lambda: self._reporter.read_and_update(self.job))

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
                rate=rate or "?",
                state="connected" if self.session.streaming else "not connected",
            )

    async def leave(self, departure: Departure) -> bool:
        """Finish the files as the process ends, and report with a turn.  Return whether in time."""
        self._inputs.leave()
        await self._halt("left")
        in_time = await self._attempts.part(self._inputs.last_words(), departure)
        self.session.retire()
        return in_time

    def _halt(self, because: str) -> Deferred[None]:
        """Have the session end.  Fires then, also where that fails, which is logged."""

        async def halt() -> None:
            with self._isolation.of("ending", self.job):
                await self.session.halt(because)

        return Deferred.fromCoroutine(halt())

    def _take_server_total(self) -> None:
        """Tell the archive, if there is one, what the server counts for the job."""
        if self.session.archive is not None:
            self.session.archive.tally.rebase(self.job.total_count, self.job.rows)


def _conclude(inputs: CaptureInputs, capture: Capture, tell: LastWords) -> None:
    """Begin to tell the server the last, unless that is under way."""
    conclusion = capture._conclusion

    def still() -> bool:
        return capture._conclusion is conclusion

    async def conclude() -> None:
        if await tell(still) and still():
            inputs.concluded()

    capture._attempts.begin("taking the last report", conclude, of=conclusion)


_builder = TypeMachineBuilder(CaptureInputs, Capture)
IDLE = _builder.state("idle")
RUNNING = _builder.state("running")
STOPPING = _builder.state("stopping")
RESTARTING = _builder.state("restarting")
REPORTING = _builder.state("reporting")
WITHDRAWING = _builder.state("withdrawing")
UPDATING = _builder.state("updating")
DONE = _builder.state("done")
LEAVING = _builder.state("leaving")
PARTING = _builder.state("parting")

STOPPING.upon(CaptureInputs.want).to(RESTARTING)(unheeded)
WITHDRAWING.upon(CaptureInputs.want).to(RESTARTING)(unheeded)
RESTARTING.upon(CaptureInputs.drop).to(STOPPING)(unheeded)
_AT_THE_END = (CaptureInputs.want, CaptureInputs.drop, CaptureInputs.halted, CaptureInputs.leave)
for _state, _ignored in (
    (STOPPING, (CaptureInputs.drop,)),
    (RESTARTING, (CaptureInputs.want,)),
    (WITHDRAWING, (CaptureInputs.drop, CaptureInputs.lose)),
    # A write may be answered that the job is gone when the server has been told everything.
    (DONE, (CaptureInputs.want, CaptureInputs.drop, CaptureInputs.lose)),
    (LEAVING, _AT_THE_END),
    (PARTING, (*_AT_THE_END, CaptureInputs.lose)),
):
    for _input in _ignored:
        _state.upon(_input).loop()(unheeded)


@IDLE.upon(CaptureInputs.want).to(RUNNING)
@RUNNING.upon(CaptureInputs.want).loop()
@RESTARTING.upon(CaptureInputs.halted).to(RUNNING)
@REPORTING.upon(CaptureInputs.want).to(RUNNING)
@UPDATING.upon(CaptureInputs.want).to(RUNNING)
def _run(inputs: CaptureInputs, capture: Capture) -> None:
    capture._conclusion = object()
    capture.session.run(capture.job)


@RUNNING.upon(CaptureInputs.drop).to(STOPPING)
def _stop(inputs: CaptureInputs, capture: Capture) -> None:
    capture._halt("stopped").addCallback(lambda _: inputs.halted())


@RUNNING.upon(CaptureInputs.lose).to(WITHDRAWING)
def _withdraw(inputs: CaptureInputs, capture: Capture) -> None:
    _lose(inputs, capture)
    capture._halt("withdrawn").addCallback(lambda _: inputs.halted())


@STOPPING.upon(CaptureInputs.lose).to(WITHDRAWING)
@RESTARTING.upon(CaptureInputs.lose).to(WITHDRAWING)
@REPORTING.upon(CaptureInputs.lose).to(UPDATING)
@LEAVING.upon(CaptureInputs.lose).to(PARTING)
def _lose(inputs: CaptureInputs, capture: Capture) -> None:
    capture._attempts.say_lost(capture.job)


@STOPPING.upon(CaptureInputs.halted).to(REPORTING)
@IDLE.upon(CaptureInputs.drop).to(REPORTING)
@REPORTING.upon(CaptureInputs.drop).loop()
def _report(inputs: CaptureInputs, capture: Capture) -> None:
    async def report(still: Still) -> bool:
        capture.session.reopen(capture.job)
        return await capture._attempts.last_report(capture.job, still)

    _conclude(inputs, capture, report)


@WITHDRAWING.upon(CaptureInputs.halted).to(UPDATING)
@UPDATING.upon(CaptureInputs.drop).loop()
@UPDATING.upon(CaptureInputs.lose).loop()
def _update(inputs: CaptureInputs, capture: Capture) -> None:
    async def update(still: Still) -> bool:
        is_open = capture.session.reopen(capture.job, "withdrawn")
        return is_open and await capture._attempts.last_update(capture.job.id)

    _conclude(inputs, capture, update)


@IDLE.upon(CaptureInputs.lose).to(UPDATING)
def _lose_at_once(inputs: CaptureInputs, capture: Capture) -> None:
    _lose(inputs, capture)
    _update(inputs, capture)


@REPORTING.upon(CaptureInputs.concluded).to(DONE)
@UPDATING.upon(CaptureInputs.concluded).to(DONE)
def _retire(inputs: CaptureInputs, capture: Capture) -> None:
    try:
        capture.session.retire()
    finally:  # until then it may have to be given up, as the process ends
        capture.session.all_closed().addBoth(lambda _: capture._done(capture))


def _leave(inputs: CaptureInputs, capture: Capture) -> None:
    capture._conclusion = object()  # what is under way concludes nothing


for _state in (IDLE, RUNNING, STOPPING, RESTARTING, REPORTING):
    _state.upon(CaptureInputs.leave).to(LEAVING)(_leave)
for _state in (WITHDRAWING, UPDATING, DONE):
    _state.upon(CaptureInputs.leave).to(PARTING)(_leave)


@LEAVING.upon(CaptureInputs.last_words).loop()
def _report_before_leaving(inputs: CaptureInputs, capture: Capture) -> Coroutine[Any, Any, bool]:
    return capture._attempts.report_before_leaving(capture.job)


@PARTING.upon(CaptureInputs.last_words).loop()
def _update_before_leaving(inputs: CaptureInputs, capture: Capture) -> Coroutine[Any, Any, bool]:
    return capture._attempts.last_update_before_leaving(capture.job)


machine = _builder.build()
"""Returns the inputs of a new machine, in the state `idle`, for a Capture."""
