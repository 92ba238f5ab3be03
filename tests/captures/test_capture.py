"""The life of a capture: what is done, and what is said, in which order."""

from collections.abc import Callable
from typing import Any, cast

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.attempts import GOODBYE, LEAST, Departure
from tcclient.captures.capture import Capture
from tcclient.captures.isolation import Isolation
from tcclient.captures.serverlog import ServerLog
from tcclient.control.answers import Gone, ServerError
from tcclient.control.jobs import Job, Status
from tcclient.ledger.counters import Row


def job(status: int = Status.STARTED, name: str = "cats") -> Job:
    """The job as it is read now."""
    return Job(7, name, status, "cats", 100, 1, False, None)


@attrs.define
class FakeArchive:
    """An archive and its tally, which remembers what the server counts."""

    server_totals: list[int | None] = attrs.field(factory=list)

    @property
    def tally(self) -> "FakeArchive":
        """Return the tally."""
        return self

    def rebase(self, total: int | None, rows: list[Row]) -> None:
        """Remember the total."""
        self.server_totals.append(total)


class FakeSession:
    """A stream and its files; `halted()` is called by the test when they have come to their end."""

    def __init__(self, events: list[str], clock: Clock) -> None:
        self.clock = clock
        self.archive: FakeArchive | None = None
        self.streaming = False
        self.jobs: list[Job] = []
        self._events = events
        self._halting: list[Deferred[None]] = []

    def run(self, wanted: Job) -> None:
        """Note the call, and have an archive from now on."""
        self._events.append("run")
        self.archive = FakeArchive()
        self.jobs.append(wanted)

    async def halt(self, because: str) -> None:
        """Note the call.  Returns when the test says so."""
        self._events.append("halt")
        self._halting.append(Deferred())
        await self._halting[-1]

    def reopen(self, wanted: Job, because: str = "") -> bool:
        """Note the call."""
        self._events.append("reopen")
        return True

    def retire(self) -> None:
        """Note the call."""
        self._events.append("retire")

    def all_closed(self) -> Deferred[None]:
        """Have it closed at once."""
        return succeed(None)

    def halted(self, error: Exception | None = None) -> None:
        """The last byte is on the disk."""
        halting = self._halting.pop(0)
        if error is None:
            halting.callback(None)
        else:
            halting.errback(error)


class FakeReporter:
    """A server that answers when the test says so; what it is asked is in `asked`."""

    def __init__(self, events: list[str]) -> None:
        self.asked: list[tuple[str, Deferred[None]]] = []
        self.still: Callable[[], bool] = lambda: True
        self.server = self
        self._events = events

    def update_is_due(self) -> None:
        """Note nothing."""

    def must_read(self, wanted: Job) -> bool:
        """Return what is so of a server without revisions."""
        return True

    async def report(self, wanted: Job) -> None:
        """Ask, and return when the test has answered."""
        await self._ask("report")

    async def read_and_report(self, wanted: Job) -> None:
        """Ask, and return when the test has answered."""
        await self._ask("last report")

    async def update(self, job_id: int) -> None:
        """Ask, and return when the test has answered."""
        await self._ask("update")

    last_update = update

    async def why_lost(self, known: Job) -> str:
        """Return what the server says at once, whatever else is asked."""
        return "is archived"

    async def read_and_update(self, wanted: Job) -> None:
        """Ask, and return when the test has answered."""
        await self._ask("update")

    async def started(self, wanted: Job) -> None:
        """Ask, and return when the test has answered."""
        await self._ask("started")

    async def stopped(self, wanted: Job, still: Callable[[], bool]) -> None:
        """Ask, and return when the test has answered."""
        self.still = still
        await self._ask("stopped")

    def answers(self, what: str, error: Exception | None = None) -> None:
        """The oldest question that is open, which must be this one, is answered."""
        asked, answer = self.asked.pop(0)
        assert asked == what, (asked, what)
        if error is None:
            answer.callback(None)
        else:
            answer.errback(Failure(error))

    async def _ask(self, what: str) -> None:
        self._events.append(what)
        answer: Deferred[None] = Deferred(lambda _: self.asked.remove((what, answer)))
        self.asked.append((what, answer))
        await answer


class CaptureTestCase(SynchronousTestCase):
    """A capture between a session and a server that the test speaks for."""

    def setUp(self) -> None:
        self.events: list[str] = []
        self.clock = Clock()
        self.session = FakeSession(self.events, self.clock)
        self.server = FakeReporter(self.events)
        self.capture = Capture(
            job(),
            cast(Any, self.session),
            cast(Any, self.server),
            ServerLog(lambda entry, job_id=None: None, self.clock),
            Isolation(),
            lambda _: self.events.append("done"),
        )
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def happened(self, *events: str) -> None:
        """These, and nothing else, since the last time."""
        self.assertEqual(self.events, list(events))
        self.events.clear()

    def stop(self) -> None:
        """A capture that ran has been stopped, and waits for its last report to be taken."""
        self.capture.want(job())
        self.capture.drop(job(Status.STOPPING))
        self.session.halted()
        self.happened("run", "halt", "reopen", "last report")

    def lose(self) -> None:
        """A capture that ran has lost its job, and waits for its last update to be taken."""
        self.capture.want(job())
        self.capture.lose()
        self.session.halted()
        self.happened("run", "halt", "reopen", "update")


class OrderTests(CaptureTestCase):
    """What comes after what."""

    def test_a_whole_life(self) -> None:
        """Run, halt, then report, update and answer one after the other, then let go."""
        self.capture.want(job(Status.STARTING))
        self.capture.want(job())
        self.happened("run", "run")
        self.capture.drop(job(Status.STOPPING))
        self.happened("halt")
        self.session.halted()
        self.happened("reopen", "last report")
        self.server.answers("last report")
        self.happened("update")
        self.server.answers("update")
        self.happened("stopped")
        self.server.answers("stopped")
        self.happened("retire", "done")

    def test_each_reading_goes_to_the_session(self) -> None:
        """Keywords and name may have changed."""
        for name in ("cats", "dogs"):
            self.capture.want(job(name=name))
        self.assertEqual([j.name for j in self.session.jobs], ["cats", "dogs"])
        self.assertEqual(self.capture.job.name, "dogs")

    def test_each_reading_tells_the_servers_total(self) -> None:
        """Also the first, whose archive is opened only then."""
        self.capture.want(job())
        assert self.session.archive is not None
        self.assertEqual(self.session.archive.server_totals, [100])

    def test_stopped_before_it_ran(self) -> None:
        """A client that starts and finds 4: nothing is there to halt, and 5 is answered."""
        self.capture.drop(job(Status.STOPPING))
        self.happened("reopen", "last report")
        self.server.answers("last report")
        self.server.answers("update")
        self.happened("update", "stopped")
        self.server.answers("stopped")
        self.happened("retire", "done")

    def test_dropped_twice_while_it_ends(self) -> None:
        """The next poll comes before the end of the file."""
        self.capture.want(job())
        self.capture.drop(job(Status.STOPPING))
        self.capture.drop(job(Status.STOPPING))
        self.happened("run", "halt")

    def test_wanted_while_it_ends(self) -> None:
        """It runs again when the file is finished, as it was read last, and 5 is not answered."""
        self.capture.want(job())
        self.capture.drop(job(Status.STOPPING))
        self.capture.want(job(Status.STARTING))
        self.capture.want(job(Status.STARTING, "dogs"))
        self.happened("run", "halt")
        self.session.halted()
        self.happened("run")
        self.assertEqual(self.session.jobs[-1].name, "dogs")

    def test_wanted_and_dropped_while_it_ends(self) -> None:
        """Then it does not run again."""
        self.capture.want(job())
        for _ in range(2):
            self.capture.drop(job(Status.STOPPING))
            self.capture.want(job(Status.STARTING))
        self.capture.drop(job(Status.STOPPING))
        self.session.halted()
        self.happened("run", "halt", "reopen", "last report")

    def test_an_end_that_fails(self) -> None:
        """It is in the log, and the rest is done all the same."""
        self.capture.want(job())
        self.capture.drop(job(Status.STOPPING))
        self.session.halted(RuntimeError("no"))
        self.happened("run", "halt", "reopen", "last report")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class ConcludingTests(CaptureTestCase):
    """The last report, until the server has taken everything."""

    def test_not_taken(self) -> None:
        """The answer is not given before the report is, and all is tried again with the poll."""
        self.stop()
        self.server.answers("last report", ServerError("no"))
        self.happened()
        self.capture.drop(job(Status.STOPPING))
        self.happened("reopen", "last report")
        self.server.answers("last report")
        self.server.answers("update")
        self.server.answers("stopped", ServerError("no"))
        self.happened("update", "stopped")
        self.capture.drop(job(Status.STOPPING))
        self.happened("reopen", "last report")

    def test_a_slow_server_is_not_asked_twice(self) -> None:
        """Polls go on meanwhile."""
        self.stop()
        for _ in range(3):
            self.capture.drop(job(Status.STOPPING))
        self.happened()

    def test_the_update_is_not_taken(self) -> None:
        """The answer is given, and the update is tried again."""
        self.stop()
        self.server.answers("last report")
        self.server.answers("update", ServerError("no"))
        self.server.answers("stopped")
        self.happened("update", "stopped")
        self.capture.drop(job(Status.STOPPED))
        self.happened("reopen", "last report")

    def test_wanted_again(self) -> None:
        """The next capture begins at once; what is said of the last one concludes nothing."""
        self.stop()
        self.capture.want(job(Status.STARTING))
        self.happened("run")
        self.server.answers("last report")
        self.server.answers("update")
        self.assertFalse(self.server.still())
        self.server.answers("stopped")
        self.happened("update", "stopped")

    def test_wanted_and_dropped_again(self) -> None:
        """A second conclusion begins while the first is still under way, and only it counts."""
        self.stop()
        self.capture.want(job(Status.STARTING))
        self.capture.drop(job(Status.STOPPING))
        self.session.halted()
        self.happened("run", "halt", "reopen", "last report")
        for _ in range(2):
            self.server.answers("last report")
        for _ in range(2):
            self.server.answers("update")
        first = self.server.asked.pop(0)
        self.server.answers("stopped")
        self.happened("update", "update", "stopped", "stopped", "retire", "done")
        first[1].callback(None)
        self.happened()

    def test_lost_while_it_concludes(self) -> None:
        """What is under way goes on; if it is not taken, only the history is written to."""
        for error in (None, ServerError("no")):
            self.setUp()
            self.stop()
            self.capture.lose()
            self.server.answers("last report")
            self.server.answers("update")
            self.server.answers("stopped", error)
            self.happened("update", "stopped", *(("retire", "done") if error is None else ()))
        self.capture.lose()
        self.happened("reopen", "update")
        self.server.answers("update")
        self.happened("retire", "done")

    def test_gone_while_it_concludes(self) -> None:
        """Then only the history is written to, at the next poll."""
        self.stop()
        self.server.answers("last report", Gone())
        self.capture.lose()
        self.happened("reopen", "update")
        self.server.answers("update")
        self.happened("retire", "done")


class LostTests(CaptureTestCase):
    """Archived, deleted or reassigned."""

    def test_only_the_history_is_written_to(self) -> None:
        """One update, no report and no answer."""
        self.lose()
        self.server.answers("update")
        self.happened("retire", "done")

    def test_the_history_is_gone_too(self) -> None:
        """Neither a missing job nor a refusal is worth another try."""
        for error in (Gone(), ServerError("no", 400, refused=True)):
            self.setUp()
            self.lose()
            self.server.answers("update", error)
            self.happened("retire", "done")

    def test_the_update_may_have_been_taken(self) -> None:
        """No clear answer: once more."""
        self.lose()
        self.server.answers("update", ServerError("no"))
        self.capture.lose()
        self.happened("reopen", "update")
        self.server.answers("update")
        self.happened("retire", "done")

    def test_said_by_the_answer_to_a_report(self) -> None:
        """The capture ends at once."""
        self.capture.want(job())
        self.capture.tell()
        self.server.answers("report", Gone())
        self.happened("run", "report", "halt")

    def test_said_once(self) -> None:
        """Why the capture ends, in the log."""
        with capturedLogs() as logs:
            self.lose()
            self.capture.lose()
        self.assertEqual([event["why"] for event in logs if "why" in event], ["is archived"])
        self.server.answers("update")

    def test_before_it_ran(self) -> None:
        """What an earlier process has left is told."""
        self.capture.lose()
        self.happened("reopen", "update")
        self.server.answers("update")
        self.happened("retire", "done")

    def test_while_it_ends(self) -> None:
        """Only the history is written to when the file is finished, unless it is wanted again."""
        self.capture.want(job())
        self.capture.drop(job(Status.STOPPING))
        self.capture.lose()
        self.capture.want(job(Status.STARTING))
        self.capture.lose()
        self.session.halted()
        self.happened("run", "halt", "reopen", "update")
        self.server.answers("update")
        self.happened("retire", "done")

    def test_said_when_all_is_over(self) -> None:
        """The question was asked before the end, and is answered after it."""
        self.lose()
        self.server.answers("update")
        self.capture.lose()
        self.happened("retire", "done")
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_wanted_again(self) -> None:
        """Unarchived and started: as if nothing had been."""
        self.lose()
        self.capture.want(job(Status.STARTING))
        self.happened("run")
        self.capture.drop(job(Status.STOPPING))
        self.session.halted()
        self.happened("halt", "reopen", "last report")


class TellTests(CaptureTestCase):
    """Reports while it runs."""

    def test_a_report(self) -> None:
        """And no answer to a wish that there is not."""
        self.capture.want(job())
        self.session.streaming = True
        self.capture.tell()
        self.happened("run", "report")

    def test_a_wish_to_start(self) -> None:
        """It is answered where there is a stream."""
        self.capture.want(job(Status.STARTING))
        self.capture.tell()
        self.server.answers("report")
        self.session.streaming = True
        self.capture.tell()
        self.capture.answer_start()
        self.happened("run", "report", "report", "started")

    def test_nothing_gathers_before_a_slow_server(self) -> None:
        """Of each kind one is under way at most."""
        self.capture.want(job(Status.STARTING))
        self.session.streaming = True
        for _ in range(3):
            self.capture.tell()
            self.capture.add_to_history()
        self.happened("run", "report", "started", "update")
        for what in ("report", "started", "update"):
            self.server.answers(what)
        self.capture.add_to_history()
        self.happened("update")

    def test_failures_are_said_once(self) -> None:
        """Until it works again."""
        self.capture.want(job())
        with capturedLogs() as logs:
            for error in (ServerError("no"), ServerError("no"), None, ServerError("no")):
                self.capture.tell()
                self.server.answers("report", error)
        self.assertEqual(
            [event.get("reason") for event in logs if "doing" in event], ["no", None, "no"]
        )

    def test_an_error_of_our_own(self) -> None:
        """It is in the log with its traceback, and ends nothing."""
        self.capture.want(job())
        self.capture.tell()
        self.server.answers("report", ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.capture.tell()
        self.happened("run", "report", "report")


class LeaveTests(CaptureTestCase):
    """The process ends."""

    def leave(self) -> Deferred[None]:
        """Fires when the capture is ready for it."""
        return Deferred.fromCoroutine(self.capture.leave(Departure(1, self.clock)))

    def test_files_then_reports(self) -> None:
        """The status is not touched."""
        self.capture.want(job())
        left = self.leave()
        self.happened("run", "halt")
        self.session.halted()
        self.happened("last report")
        self.server.answers("last report")
        self.server.answers("update")
        self.happened("update", "retire")
        self.successResultOf(left)

    def test_a_lost_job(self) -> None:
        """Only its history is written to."""
        self.lose()
        self.server.answers("update", ServerError("no"))
        left = self.leave()
        self.session.halted()
        self.happened("halt", "update")
        self.server.answers("update")
        self.successResultOf(left)

    def test_a_server_that_does_not_answer(self) -> None:
        """GOODBYE is all it gets, whatever of the two it hangs at; nothing is left under way."""
        for answered in (0, 1):
            self.setUp()
            self.capture.want(job())
            left = self.leave()
            self.session.halted()
            for what in ("last report", "update")[:answered]:
                self.server.answers(what)
            self.clock.advance(GOODBYE - 0.1)
            self.assertNoResult(left)
            self.clock.advance(0.2)
            self.successResultOf(left)
            self.assertEqual((self.server.asked, self.events[-1]), ([], "retire"))
            self.assertNotIn("stopped", self.events)
            self.assertEqual(self.flushLoggedErrors(), [])

    def test_files_that_take_long(self) -> None:
        """What they take is taken off the report's time, of which LEAST is left."""
        for took, left_for_it in ((1.0, GOODBYE - 1), (GOODBYE - LEAST / 2, LEAST), (60.0, LEAST)):
            self.setUp()
            self.capture.want(job())
            left = self.leave()
            self.clock.advance(took)
            self.session.halted()
            self.clock.advance(left_for_it - 0.01)
            self.assertNoResult(left)
            self.clock.advance(0.02)
            self.assertFalse(self.successResultOf(left))

    def test_writes_that_are_under_way(self) -> None:
        """They are given up with the rest, without a word for each."""
        self.capture.want(job(Status.STARTING))
        self.session.streaming = True
        self.capture.tell()
        self.capture.add_to_history()
        left = self.leave()
        self.session.halted()
        with capturedLogs() as logs:
            self.clock.advance(GOODBYE)
        self.successResultOf(left)
        self.assertEqual((self.server.asked, len(logs)), ([], 0))

    def test_failures(self) -> None:
        """A report that is refused does not keep the update from being sent."""
        self.capture.want(job())
        left = self.leave()
        self.session.halted()
        self.server.answers("last report", ServerError("no"))
        self.server.answers("update", ServerError("no"))
        self.successResultOf(left)
        self.happened("run", "halt", "last report", "update", "retire")

    def test_an_end_that_fails(self) -> None:
        """It is in the log, and the rest is done all the same."""
        self.capture.want(job())
        left = self.leave()
        self.session.halted(RuntimeError("no"))
        self.server.answers("last report")
        self.server.answers("update")
        self.successResultOf(left)
        self.happened("run", "halt", "last report", "update", "retire")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_gone(self) -> None:
        """The update is still sent, once."""
        self.capture.want(job())
        left = self.leave()
        self.session.halted()
        self.server.answers("last report", Gone())
        self.server.answers("update")
        self.successResultOf(left)
        self.happened("run", "halt", "last report", "update", "retire")

    def test_while_it_ends(self) -> None:
        """Leaving takes over: nothing is reported twice, and no status is written."""
        self.capture.want(job())
        self.capture.drop(job(Status.STOPPING))
        left = self.leave()
        self.session.halted()
        self.session.halted()
        self.server.answers("last report")
        self.server.answers("update")
        self.successResultOf(left)
        self.happened("run", "halt", "halt", "last report", "update", "retire")

    def test_while_it_concludes(self) -> None:
        """The answer to a stop is left to the next start, which finds the 4 again."""
        self.stop()
        left = self.leave()
        self.session.halted()
        for what in ("last report", "last report", "update", "update"):
            self.server.answers(what)
        self.assertFalse(self.server.still())
        self.successResultOf(left)
        self.assertEqual(self.server.asked, [])

    def test_nothing_has_any_effect_afterwards(self) -> None:
        """A poll may still be under way."""
        self.capture.want(job())
        left = self.leave()
        self.session.halted()
        self.server.answers("last report")
        self.server.answers("update")
        self.successResultOf(left)
        self.events.clear()
        self.capture.want(job())
        self.capture.drop(job(Status.STOPPING))
        self.capture.lose()
        self.capture.tell()
        self.capture.answer_start()
        self.capture.add_to_history()
        self.happened()
