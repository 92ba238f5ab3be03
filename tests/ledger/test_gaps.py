"""When a capture has no stream: where gaps begin and end, in one process and over several."""

from collections.abc import Iterator
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger import entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, moment
from tcclient.ledger.gaps import IN_FLIGHT, Coverage, Missing, last_boot, resume

NOON = 1_700_000_000.0
STALLED = Missing(NOON, "stall", "no byte came for 30 s", "cats")


class GapTests(SynchronousTestCase):
    def test_a_gap(self) -> None:
        """
        It has both ends, its length, why it began, and how often it was tried to end it.  What was
        on its way when it began is missing too; not where nothing had come yet.
        """
        coverage = Coverage()
        coverage.begins(STALLED)
        coverage.tried(503, "busy")
        coverage.tried(None, None)
        self.assertEqual(
            coverage.ends(NOON + 7.5, backfill=2),
            entries.Gap(
                begin=moment(NOON - IN_FLIGHT),
                end=moment(NOON + 7.5),
                seconds=7.5 + IN_FLIGHT,
                cause="stall",
                detail="no byte came for 30 s",
                attempts=2,
                keywords="cats",
                backfill=2,
            ),
        )

    def test_a_start(self) -> None:
        """Nothing had come before it."""
        gap = Coverage(Missing(NOON, "start", "the capture was started")).ends(NOON + 2)
        assert gap is not None
        self.assertEqual((gap.begin, gap.seconds), (moment(NOON), 2.0))

    def test_what_x_would_have_sent(self) -> None:
        """Since when; nothing where the capture was to begin, or X had no rule, or leave, of it."""
        self.assertIsNone(Coverage().missed(NOON))
        for cause, expected in (
            ("crash", 7.0 + IN_FLIGHT),
            ("client_stopped", 7.0 + IN_FLIGHT),
            ("stall", 7.0 + IN_FLIGHT),
            ("disk", 7.0 + IN_FLIGHT),
            ("start", None),
            ("rules", None),
            ("budget", None),
            ("switched", None),
        ):
            coverage = Coverage(Missing(NOON, cause, "it was so"))
            self.assertEqual(coverage.missed(NOON + 7), expected, cause)
            gap = coverage.ends(NOON + 7, backfill=1)
            assert gap is not None
            self.assertEqual(gap.backfill, None if expected is None else 1, cause)

    def test_what_the_last_attempt_said(self) -> None:
        """Its status, and the other side's words."""
        coverage = Coverage(STALLED)
        coverage.tried(None, None)
        coverage.tried(503, "busy")
        gap = coverage.ends(NOON + 1)
        assert gap is not None
        self.assertEqual((gap.status, gap.explanation), (503, "busy"))

    def test_one_gap_at_a_time(self) -> None:
        """What happens during a gap does not move its beginning; one that has ended is over."""
        coverage = Coverage()
        coverage.begins(STALLED)
        coverage.begins(attrs.evolve(STALLED, begin=NOON + 5, cause="closed"))
        gap = coverage.ends(NOON + 9)
        assert gap is not None
        self.assertEqual((gap.begin, gap.cause), (moment(NOON - IN_FLIGHT), "stall"))
        self.assertIsNone(coverage.ends(NOON + 10))

    def test_an_attempt_without_a_gap(self) -> None:
        """It changes nothing."""
        coverage = Coverage()
        coverage.tried(503, "busy")
        self.assertIsNone(coverage.missing)

    def test_the_clock_is_set_back(self) -> None:
        """No gap has less than no length."""
        gap = Coverage(STALLED).ends(NOON - 3600)
        assert gap is not None
        self.assertEqual((gap.begin, gap.end, gap.seconds), (*[moment(NOON - 3600)] * 2, 0.0))

    def test_the_clock_is_set_meanwhile(self) -> None:
        """The gap is as long as it was, and both its ends are by the new time."""
        for step in (3600.0, -3600.0):
            coverage = Coverage(STALLED)
            coverage.clock_stepped(step)
            gap = coverage.ends(NOON + step + 5)
            assert gap is not None
            begin = moment(NOON + step - IN_FLIGHT)
            self.assertEqual((gap.begin, gap.seconds), (begin, 5.0 + IN_FLIGHT))
            coverage.clock_stepped(step)
            self.assertIsNone(coverage.missing)


class ResumeTests(SynchronousTestCase):
    """What the next process makes of the lines: (seconds after noon, entry), oldest first."""

    def resume(
        self, *lines: tuple[float, Entry], alive: float = 0.0, trust_recovered: bool = True
    ) -> Missing | None:
        def newest_first() -> Iterator[dict[str, Any]]:
            for after, entry in reversed(lines):
                yield {"at": moment(NOON + after), "job": 7, **entry.members()}
                yield {"at": moment(NOON + after), "job": 8, **STOP.members()}
                yield {"kind": "unknown to us", "job": 7}

        return resume(newest_first(), 7, alive, trust_recovered=trust_recovered)

    def test_nothing_known(self) -> None:
        """A capture that is new here, or was stopped, has no gap."""
        self.assertIsNone(self.resume())
        self.assertIsNone(self.resume((0, START), (1, KEYWORDS), (2, gap(0, 2)), (9, STOP)))
        withdrawn = entries.CaptureStop(because="withdrawn", status=5)
        self.assertIsNone(self.resume((0, START), (1, KEYWORDS), (2, withdrawn)))

    def test_killed_while_it_was_heard(self) -> None:
        """The gap begins at the last post that is known to be on the disk."""
        lines = ((0, START), (0, KEYWORDS), (2, gap(0, 2)))
        crash = Missing(NOON + 2, "crash", "the client was killed", "cats")
        self.assertEqual(self.resume(*lines), crash)
        self.assertEqual(self.resume(*lines, alive=NOON + 30), attrs.evolve(crash, begin=NOON + 30))
        self.assertEqual(
            self.resume(*lines, (60, file(40)), (70, UPDATE)), attrs.evolve(crash, begin=NOON + 40)
        )

    def test_the_clock_was_set_before_the_kill(self) -> None:
        """What was said before is by another time, and is put right; what came after stands."""
        lines = ((0, START), (0, KEYWORDS), (2, gap(0, 2)))
        lost = entries.Disconnected(cause="stall", detail="no byte", silent=30.0)
        left = entries.CaptureStop(because="left", status=3, covered=moment(NOON + 49))
        for step in (3600.0, -3600.0):
            steps = ((70, entries.ClockStep(seconds=step - 1)), (71, entries.ClockStep(seconds=1)))
            for before, after, begin in (
                (lines, (), 2 + step),
                (lines[:1], (), step),
                ((*lines, (60, file(40))), (), 40 + step),
                (lines, ((80 + step, file(75 + step)),), 75 + step),
                ((*lines, (60, lost)), (), 30 + step),
                ((*lines, (50, left)), (), 49 + step),
            ):
                missing = self.resume(*before, *steps, *after)
                assert missing is not None
                self.assertEqual(missing.begin, NOON + begin, (step, begin))

    def test_the_machine_went_down(self) -> None:
        """What was recovered then may have ended earlier than its time says."""
        lines = ((0, START), (0, KEYWORDS), (2, gap(0, 2)), (60, file(40)), (70, file(50, True)))
        for trust, begin in ((True, 50), (False, 40)):
            missing = self.resume(*lines, trust_recovered=trust)
            assert missing is not None
            self.assertEqual(missing.begin, NOON + begin)

    def test_since_which_boot(self) -> None:
        """As the newest line says that the folder was opened."""
        opened = [
            {"at": moment(NOON), **entries.CaptureOpen(1, "a", Counters(), boot).members()}
            for boot in ("b2", "b1")
        ]
        self.assertEqual(last_boot([{"kind": "file"}, *opened]), "b2")
        self.assertIsNone(last_boot([]))

    def test_a_file_that_the_clock_ended(self) -> None:
        """Its posts cannot have come after it: they came by the clock as it was."""
        back = entries.ClockStep(seconds=-3600.0)
        lines = ((0, START), (0, KEYWORDS), (2, gap(0, 2)), (-3540, back), (-3539, file(58)))
        missing = self.resume(*lines)
        assert missing is not None
        self.assertEqual(missing.begin, NOON - 3539)

    def test_an_older_file_says_nothing(self) -> None:
        """The stream was heard after it."""
        lines = ((0, START), (0, KEYWORDS), (2, gap(0, 2)), (9, file(8)), (20, gap(10, 20)))
        missing = self.resume(*lines, alive=NOON + 8)
        assert missing is not None
        self.assertEqual(missing.begin, NOON + 20)

    def test_killed_while_the_disk_took_nothing(self) -> None:
        """The disk is why posts are missing since then."""
        lines = (
            (0, START),
            (0, KEYWORDS),
            (2, gap(0, 2)),
            (50, entries.DiskTrouble(reason="full")),
        )
        missing = self.resume(*lines, alive=NOON + 49)
        assert missing is not None
        self.assertEqual((missing.begin, missing.cause), (NOON + 49, "disk"))
        missing = self.resume(*lines, (55, entries.DiskRecovered(after=5.0)), alive=NOON + 60)
        assert missing is not None
        self.assertEqual((missing.begin, missing.cause), (NOON + 60, "crash"))

    def test_killed_within_a_stop(self) -> None:
        """Nothing is missing since the stop; before it, what the disk had not taken."""
        lines = ((0, START), (0, KEYWORDS), (2, gap(0, 2)))
        stop = entries.Disconnected(cause="stopped", detail="", silent=30.0)
        missing = self.resume(*lines, (90, stop))
        assert missing is not None
        self.assertEqual((missing.cause, missing.ceased), ("stopped", NOON + 90))
        self.assertIsNone(Coverage(missing).ends(NOON + 90))
        missing = self.resume(*lines, (60, entries.DiskTrouble(reason="full")), (90, stop))
        assert missing is not None
        found = (missing.begin, missing.cause, missing.ceased)
        self.assertEqual(found, (NOON + 60, "disk", NOON + 90))

    def test_killed_in_a_gap(self) -> None:
        """The gap goes on, from where it began."""
        lost = entries.Disconnected(cause="stall", detail="no byte", silent=30.0)
        heard = ((0, START), (0, KEYWORDS), (2, gap(0, 2)))
        missing = self.resume(*heard, (90, lost), (95, tried()), (99, tried()))
        self.assertEqual(missing, Missing(NOON + 60, "stall", "no byte", "cats", 2, 503))

    def test_killed_in_a_gap_again(self) -> None:
        """A process that hears nothing begins no gap: it is within the one before."""
        lost = entries.Disconnected(cause="stall", detail="no byte", silent=30.0)
        left = entries.CaptureStop(because="left", status=3, covered=moment(NOON + 49))
        heard = ((0, START), (0, KEYWORDS), (2, gap(0, 2)))
        again = ((91, RESUMED), (91, KEYWORDS), (92, tried()), (93, RESUMED), (95, tried()))
        for ended, begin, cause in (
            ((), 2, "crash"),
            (((50, left),), 49, "client_stopped"),
            (((90, lost),), 60, "stall"),
        ):
            missing = self.resume(*heard, *ended, *again)
            assert missing is not None
            found = (missing.begin, missing.cause, missing.attempts)
            self.assertEqual(found, (NOON + begin, cause, 2))

    def test_resumed_after_a_stop(self) -> None:
        """Or in a ledger that begins with it: nothing is missing that was before."""
        for before in ((), ((0, START), (0, KEYWORDS), (2, gap(0, 2)), (9, STOP))):
            missing = self.resume(*before, (20, RESUMED), (20, KEYWORDS), (21, tried()))
            assert missing is not None
            self.assertEqual((missing.begin, missing.cause), (NOON + 20, "start"))
            self.assertEqual((missing.keywords, missing.attempts), ("cats", 1))

    def test_attempts_for_new_keywords(self) -> None:
        """They failed while the old ones were heard, which is no gap."""
        missing = self.resume((0, START), (0, KEYWORDS), (2, gap(0, 2)), (9, tried()))
        assert missing is not None
        self.assertEqual((missing.cause, missing.attempts), ("crash", 0))

    def test_killed_after_a_takeover(self) -> None:
        """The end of a stream beside which another was heard is the beginning of no gap."""
        former = entries.Disconnected(cause="keywords", detail="", silent=0.0, overlap=5.0)
        missing = self.resume((0, START), (0, KEYWORDS), (2, gap(0, 2)), (90, former))
        self.assertEqual(missing, Missing(NOON + 2, "crash", "the client was killed", "cats"))

    def test_killed_before_the_first_byte(self) -> None:
        """It goes on from the start."""
        missing = self.resume((3, START), (3, KEYWORDS), (4, CONNECTED))
        self.assertEqual(missing, Missing(NOON + 3, "start", "the capture was started", "cats"))

    def test_the_client_was_stopped(self) -> None:
        """What came until then is there."""
        left = entries.CaptureStop(because="left", status=3, covered=moment(NOON + 49))
        missing = self.resume((0, START), (0, KEYWORDS), (2, gap(0, 2)), (50, left))
        self.assertEqual(
            missing, Missing(NOON + 49, "client_stopped", "the client was stopped", "cats")
        )


def gap(begin: float, end: float) -> Entry:
    """In seconds after noon."""
    ended = Coverage(Missing(NOON + begin, "start", "")).ends(NOON + end)
    assert ended is not None
    return ended


def file(last: float, recovered: bool = False) -> Entry:
    """Whose last post came then."""
    arrival = moment(NOON + last)
    return entries.File(name="a.json", posts=1, bytes=9, last_arrival=arrival, recovered=recovered)


def tried() -> Entry:
    """An attempt that failed."""
    return entries.NotConnected(cause="refused", detail="503", status=503)


START = entries.CaptureStart(because="started", status=2)
RESUMED = entries.CaptureStart(because="resumed", status=3)
STOP = entries.CaptureStop(because="stopped", status=4)
KEYWORDS = entries.Keywords(before=None, after="cats")
CONNECTED = entries.Connected(endpoint="statuses/filter", status=200, failed_attempts=0)
UPDATE = entries.Update(count=1, counters=Counters())
