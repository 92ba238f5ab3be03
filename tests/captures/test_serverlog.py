"""Behaviour of what the log says of the capture server."""

from twisted.internet.task import Clock
from twisted.logger import LogLevel, formatEvent
from twisted.logger import capturedLogs as captured_logs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.serverlog import ServerLog
from tcclient.ledger.entries import Entry

FAILS = "The capture server fails at listing the jobs: it is out. What runs goes on."
AGAIN = "The capture server succeeds again at listing the jobs."


class ServerLogTests(SynchronousTestCase):
    """Each change once."""

    def setUp(self) -> None:
        self.noted: list[Entry] = []
        self.clock = Clock()
        self.log = ServerLog(self.note, self.clock)

    def note(self, entry: Entry, job_id: int | None = None) -> None:
        """Keep the entry."""
        self.noted.append(entry)

    def said(self, *acts: tuple[str, ...]) -> list[str]:
        """What is logged while these are noted: (doing, reason) a failure, (doing,) a success."""
        with captured_logs() as events:
            for doing, *reason in acts:
                if reason:
                    self.log.failed(doing, *reason)
                else:
                    self.log.succeeded(doing)
        self.levels = [event["log_level"] for event in events]
        return [formatEvent(event) for event in events]

    def test_nothing_fails(self) -> None:
        """Success is no news."""
        self.assertEqual(self.said(("listing the jobs",), ("listing the jobs",)), [])

    def test_an_outage(self) -> None:
        """Its beginning and its end, once each, and the next one again."""
        outage = [("listing the jobs", "it is out")] * 3 + [("listing the jobs",)] * 2
        self.assertEqual(self.said(*outage), [FAILS, AGAIN])
        self.assertEqual(self.levels, [LogLevel.warn, LogLevel.info])
        self.assertEqual(self.said(*outage), [FAILS, AGAIN])

    def test_another_reason(self) -> None:
        """It is news, and so is the first one when it comes back."""
        said = self.said(("a", "x"), ("a", "y"), ("a", "y"), ("a", "x"))
        self.assertEqual(
            [line.split(".")[0][-7:] for line in said], ["at a: x", "at a: y", "at a: x"]
        )

    def test_a_wait_that_runs_down(self) -> None:
        """The same reason with another number of seconds is no news; another status is."""
        rests = [("a", f"it asks not to be asked for {left} s") for left in (590, 580, 9)]
        slows = [("a", f"it answers 429 (available in {left} seconds.)") for left in (57, 1)]
        self.assertEqual(len(self.said(*rests, *slows, ("a", "it answers 503"))), 3)
        self.assertEqual(len(self.noted), 3)
        self.said(rests[0], rests[1])
        self.assertEqual(self.log.longest(), ("a", "it asks not to be asked for 580 s", 0.0))

    def test_one_thing_says_nothing_of_another(self) -> None:
        """The server may take reports and no updates."""
        said = self.said(("a", "x"), ("b", "x"), ("a",), ("b", "x"))
        self.assertEqual(len(said), 3)
        self.assertIn("succeeds again at a", said[2])

    def test_one_of_many_jobs(self) -> None:
        """Polls that succeed with others say nothing, nor does a job that fails the same way."""
        with captured_logs() as events:
            for _ in range(3):
                self.log.failed("a", "x", 1)
                self.log.succeeded("a", 2)
                self.log.failed("a", "x", 3)
            self.log.succeeded("a", 1)
            self.log.forget(3)
            self.log.failed("a", "x", 1)
            self.log.succeeded("a", 1)
        said = [formatEvent(event) for event in events]
        self.assertEqual([("again" in line) for line in said], [False, False, True])

    def test_what_the_server_says_is_no_format(self) -> None:
        """Braces are printed."""
        self.assertIn("at a{0}: {x}{{}}.", self.said(("a{0}", "{x}{{}}"))[0])

    def test_what_has_failed_longest(self) -> None:
        """With the reason, until it succeeds; what fails with a job that is gone does not count."""
        self.assertIsNone(self.log.longest())
        self.log.failed("taking a report", "no", 7)
        self.clock.advance(5)
        self.log.failed("listing the jobs", "it is out")
        self.clock.advance(2)
        self.assertEqual(self.log.longest(), ("taking a report", "no", 7))
        self.log.forget(7)
        self.assertEqual(self.log.longest(), ("listing the jobs", "it is out", 2))
        self.log.succeeded("listing the jobs")
        self.assertIsNone(self.log.longest())
