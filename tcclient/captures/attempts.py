"""
What is being told to the capture server about one job, until it has been taken or has failed.

Knows what is under way, so that no queue grows before a slow server, and in which order the last is
told; does not know when it is time for that.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.captures.isolation import Isolation
from tcclient.captures.reporter import Reporter
from tcclient.captures.serverlog import ServerLog
from tcclient.control.answers import Gone, ServerError
from tcclient.control.jobs import Job
from tcclient.runtime.turns import FewAtOnce

log = Logger()

GOODBYE = 3.0
"""Seconds that the last reports may take when the process ends; the next start sends the rest."""
LEAST = 1.0
"""Those of them that a capture has whose files took longer to finish."""

Act = Callable[[], Coroutine[Any, Any, object]]
"""Tells the server something.  What it returns raises Gone and ServerError."""
Still = Callable[[], bool]
"""Returns whether the job is still to be stopped."""
LastWords = Callable[[Still], Coroutine[Any, Any, bool]]
"""Tells the server the last.  Returns whether it has taken all; raises Gone and ServerError."""


class Departure:
    """What captures share that end together: turns, `at_once` of them, and GOODBYE from now on."""

    def __init__(self, at_once: int, clock: IReactorTime) -> None:
        self.turns = FewAtOnce(at_once)
        self.clock = clock
        self._until = clock.seconds() + GOODBYE

    @property
    def left(self) -> float:
        """Seconds that a last report may take from now on."""
        return max(LEAST, self._until - self.clock.seconds())


class Attempts:
    """
    The attempts to tell the server something about one job, by its `reporter`; `job` returns it.
    `gone` is called when the job turns out to be archived, deleted or another client's.  Whatever
    else fails is logged.
    """

    def __init__(
        self,
        reporter: Reporter,
        server_log: ServerLog,
        isolation: Isolation,
        job: Callable[[], Job],
        gone: Callable[[], object],
    ) -> None:
        self._reporter = reporter
        self._server_log = server_log
        self._isolation = isolation
        self._job = job
        self._gone = gone
        self._under_way: dict[object, Deferred[bool]] = {}
        self._abandoned = False

    def say_lost(self, job: Job) -> None:
        """Begin to ask how the job was lost, and log that."""

        async def say() -> None:
            why = await self._reporter.server.why_lost(job)
            log.info("Job {name!r} ({id}) {why}.", name=job.name, id=job.id, why=why)

        self.begin("being asked for a lost job", say)

    async def last_report(self, job: Job, still: Still) -> bool:
        """
        Report, update the history, and set the status, in this order: when the status says
        stopped, the server's total is what is on disk.  Return whether the update has been taken,
        which must not hold up the status.  Raises Gone and ServerError.

        A server with revisions has total and rate from the update too, and adds the counts of all
        clients up itself: it is told by that alone, as a person waits for the status.
        """
        is_told_first = self._reporter.must_read(job)
        if is_told_first:
            await self._reporter.read_and_report(job)
        updated = await self.update_before_leaving(job)
        if not (updated or is_told_first):
            await self._reporter.report(job)
        await self._reporter.stopped(job, still)
        return updated

    async def last_update(self, job_id: int) -> bool:
        """
        Send the last update of a job that is not ours any more, where the server takes it, and
        return True.  Raises ServerError if the server may take it later.
        """
        try:
            await self._reporter.last_update(job_id)
        except Gone:
            pass
        except ServerError as e:
            if e.status != 400:  # what is refused like this is refused each time
                raise
        return True

    async def report_before_leaving(self, job: Job) -> bool:
        """Send a last report and update.  Return whether the server has taken the update."""
        await self._make("taking a report", lambda: self._reporter.read_and_report(job))
        return await self.update_before_leaving(job)

    async def last_update_before_leaving(self, job: Job) -> bool:
        """Send the last update of a job that is lost.  Return whether the server has taken it."""
        return await self._make("taking an update", lambda: self._reporter.last_update(job.id))

    async def update_before_leaving(self, job: Job) -> bool:
        """Send an update of the job's history.  Return whether the server has taken it."""
        return await self._make("taking an update", lambda: self._reporter.update(job.id))

    def begin(self, doing: str, act: Act, of: object = None) -> None:
        """
        Begin `act`, unless the same is under way; `doing` says for the log what it does.  `of` is
        what it belongs to: with another one it is not the same.
        """
        key = doing, of
        if key not in self._under_way:
            attempt = Deferred.fromCoroutine(self._make(doing, act))
            if not attempt.called:
                self._under_way[key] = attempt
                attempt.addCallback(lambda _: self._under_way.pop(key))

    async def part(self, last_words: Coroutine[Any, Any, bool], departure: Departure) -> bool:
        """
        Give `last_words` what is left of the departure, the wait for a turn included, then cancel
        all and begin nothing more.  Return whether that was enough.
        """
        parting = Deferred.fromCoroutine(_in_turn(last_words, departure.turns))
        bound = departure.clock.callLater(departure.left, self._give_up, parting)
        try:
            await parting
        except CancelledError:
            if not self._abandoned:
                raise
        in_time = bound.active()
        if in_time:
            bound.cancel()
        self._abandon()
        return in_time

    def _give_up(self, parting: Deferred[bool]) -> None:
        """End the last report, which takes too long."""
        self._abandon()
        parting.cancel()

    def _abandon(self) -> None:
        """Cancel what is under way, without a word, and begin nothing more."""
        self._abandoned = True
        for attempt in list(self._under_way.values()):
            attempt.cancel()

    async def _make(self, doing: str, act: Act) -> bool:
        """Return whether the server has taken `act`, now or after a while.  Raises nothing."""
        job = self._job()
        if not self._abandoned:
            with self._isolation.of(doing, job):
                try:
                    await act()
                except Gone:
                    self._gone()
                except ServerError as e:
                    if not self._abandoned:
                        self._server_log.failed(doing, str(e), job.id)
                except CancelledError:
                    pass  # the process ends
                else:
                    self._server_log.succeeded(doing, job.id)
                    return True
        return False


async def _in_turn(last_words: Coroutine[Any, Any, bool], turns: FewAtOnce) -> bool:
    """Await the words with one of the turns.  Raises CancelledError while it waits for that."""
    try:
        async with turns.ordinary():
            return await last_words
    finally:
        last_words.close()  # where their turn has not come
