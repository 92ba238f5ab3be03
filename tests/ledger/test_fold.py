"""What the lines of a ledger say together: to the next process, to accounts, and in pieces."""

from msgspec import structs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, moment
from tcclient.ledger.fold import resumed
from tcclient.ledger.gaps import Coverage, Missing
from tcclient.ledger.history import JobHistory
from tcclient.ledger.lines import AnyLine, ForeignLine, LedgerLine

NOON = 1_700_000_000.0


class ResumeTests(SynchronousTestCase):
    """What the next process makes of the lines: (seconds after noon, entry), oldest first."""

    def resume(
        self, *lines: tuple[float, Entry], alive: float = 0.0, boot: str | None = None
    ) -> Missing | None:
        """The open gap, if all that came until `alive` is on the disk, in this boot."""
        newest_first: list[AnyLine] = []
        for after, entry in reversed(lines):
            newest_first.append(LedgerLine(0, NOON + after, 7, entry))
            newest_first.append(LedgerLine(0, NOON + after, 8, STOP))
            newest_first.append(ForeignLine(0, "is unknown to us"))
        history = resumed(newest_first, 7).jobs.get(7, JobHistory(7))
        history.coverage.opened(boot, alive)
        return history.missing

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
        self.assertEqual(
            self.resume(*lines, alive=NOON + 30), structs.replace(crash, begin=NOON + 30)
        )
        self.assertEqual(
            self.resume(*lines, (60, file(40)), (70, UPDATE)),
            structs.replace(crash, begin=NOON + 40),
        )

    def test_the_clock_was_set_before_the_kill(self) -> None:
        """What was said before is by another time, and is put right; what came after stands."""
        lines = ((0, START), (0, KEYWORDS), (2, gap(0, 2)))
        lost = entries.Disconnected(cause="stall", detail="no byte", silent=30.0)
        left = entries.CaptureStop(because="left", status=3, covered=moment(NOON + 49))
        for step in (3600.0, -3600.0):
            steps = (
                (70, bookings.ClockStep(seconds=step - 1)),
                (71, bookings.ClockStep(seconds=1)),
            )
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
        for boot, begin in ((None, 50), ("another", 40)):
            missing = self.resume(*lines, boot=boot)
            assert missing is not None
            self.assertEqual(missing.begin, NOON + begin)

    def test_the_machine_went_down_before_a_process_that_heard_nothing(self) -> None:
        """The boot in which the stream was heard counts, not only that of the last process."""
        for boot, begin in (("b1", 50), ("b2", 2)):
            first, again = (structs.replace(OPENED, boot=one) for one in ("b1", boot))
            lines = (0, first), (0, START), (0, KEYWORDS), (2, gap(0, 2))
            missing = self.resume(*lines, (70, file(50, True)), (70, again), boot=boot)
            assert missing is not None
            self.assertEqual(missing.begin, NOON + begin, boot)

    def test_since_which_boot(self) -> None:
        """As the newest line says that the folder was opened, for whichever job."""
        opened = [
            bookings.CaptureOpen(schema=1, name="a", counters=Counters(), boot=boot)
            for boot in ("b1", "b2")
        ]
        lines = [(7, opened[0]), (7, START), (8, opened[1]), (7, UPDATE)]
        newest = [LedgerLine(0, NOON, job, entry) for job, entry in reversed(lines)]
        self.assertEqual(resumed(newest, 7).jobs[7].coverage.boot, "b2")
        self.assertEqual(resumed([], 7).jobs, {})

    def test_a_file_that_the_clock_ended(self) -> None:
        """Its posts cannot have come after it: they came by the clock as it was."""
        back = bookings.ClockStep(seconds=-3600.0)
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
            (50, bookings.DiskTrouble(reason="full")),
        )
        missing = self.resume(*lines, alive=NOON + 49)
        assert missing is not None
        self.assertEqual((missing.begin, missing.cause), (NOON + 49, "disk"))
        missing = self.resume(*lines, (55, bookings.DiskRecovered(after=5.0)), alive=NOON + 60)
        assert missing is not None
        self.assertEqual((missing.begin, missing.cause), (NOON + 60, "crash"))

    def test_an_end_with_bytes_unread(self) -> None:
        """The disk is why posts are missing, whatever ended the connection."""
        for cause, ceased in (("closed", None), ("left", None), ("stopped", NOON + 90)):
            lost = entries.Disconnected(cause=cause, detail="", silent=30.0, unread=True)
            missing = self.resume((0, START), (0, KEYWORDS), (2, gap(0, 2)), (90, lost))
            assert missing is not None
            found = (missing.begin, missing.cause, missing.ceased)
            self.assertEqual(found, (NOON + 60, "disk", ceased))

    def test_killed_within_a_stop(self) -> None:
        """Nothing is missing since the stop; before it, what the disk had not taken."""
        lines = ((0, START), (0, KEYWORDS), (2, gap(0, 2)))
        stop = entries.Disconnected(cause="stopped", detail="", silent=30.0)
        missing = self.resume(*lines, (90, stop))
        assert missing is not None
        self.assertEqual((missing.cause, missing.ceased), ("stopped", NOON + 90))
        self.assertIsNone(Coverage(missing).ends(NOON + 90))
        missing = self.resume(*lines, (60, bookings.DiskTrouble(reason="full")), (90, stop))
        assert missing is not None
        found = (missing.begin, missing.cause, missing.ceased)
        self.assertEqual(found, (NOON + 60, "disk", NOON + 90))

    def test_killed_within_a_stop_in_a_gap(self) -> None:
        """The gap ends with the stop, and was what it was."""
        stop = entries.Disconnected(cause="stopped", detail="")
        missing = self.resume((0, START), (2, gap(0, 2)), (60, LOST), (90, stop))
        self.assertEqual(
            missing, Missing(NOON + 30, "stall", "no byte", keywords=None, ceased=NOON + 90)
        )

    def test_stopped_in_a_gap(self) -> None:
        """Only the client was: the gap goes on, why it began and what was tried."""
        left = entries.CaptureStop(because="left", status=3, covered=moment(NOON + 30))
        lines = (0, START), (2, gap(0, 2)), (60, LOST), (65, tried()), (70, left), (99, RESUMED)
        self.assertEqual(self.resume(*lines), Missing(NOON + 30, "stall", "no byte", None, 1, 503))
        self.assertEqual(
            self.resume((0, START), (5, left)), Missing(NOON, "start", "the capture was started")
        )

    def test_killed_while_it_was_stopping(self) -> None:
        """It is the client that was stopped."""
        ended = entries.Disconnected(cause="left", detail="the client ends", silent=3.0)
        missing = self.resume((0, START), (2, gap(0, 2)), (90, ended))
        self.assertEqual(missing, Missing(NOON + 87, "client_stopped", "the client was stopped"))

    def test_lost_again_before_the_first_byte(self) -> None:
        """The gap is one, from the first end on."""
        again = entries.Disconnected(cause="closed", detail="it was")
        missing = self.resume((0, START), (2, gap(0, 2)), (60, LOST), (80, again))
        self.assertEqual(missing, Missing(NOON + 30, "stall", "no byte"))

    def test_an_opening_that_says_what_is_open(self) -> None:
        """Nothing before it need be known; what was tried since then counts as well."""
        missing = Missing(NOON - 60, "stall", "no byte", "cats", 2, 503, "busy")
        told = bookings.CaptureOpen(
            schema=1, name="a", counters=Counters(), open_gap=missing.for_ledger()
        )
        self.assertEqual(self.resume((0, told), (1, RESUMED)), missing)
        found = self.resume((0, told), (1, RESUMED), (2, tried()), alive=NOON + 9)
        self.assertEqual(found, structs.replace(missing, attempts=3, explanation=None))

    def test_killed_before_another_job_had_the_folder(self) -> None:
        """What that one has on the disk says nothing of this one."""
        told = (0, 7, START), (2, 7, gap(0, 2)), (60, 8, OPENED), (61, 8, START), (62, 8, gap(0, 2))
        newest = [LedgerLine(0, NOON + at, job, entry) for at, job, entry in reversed(told)]
        coverage = resumed(newest, 7).jobs[7].coverage
        coverage.opened(None, NOON + 99)
        self.assertEqual(coverage.missing, Missing(NOON + 2, "crash", "the client was killed"))

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
    return bookings.File(name="a.json", posts=1, bytes=9, last_arrival=arrival, recovered=recovered)


def tried() -> Entry:
    """An attempt that failed."""
    return entries.NotConnected(cause="refused", detail="503", status=503)


OPENED = bookings.CaptureOpen(schema=1, name="a", counters=Counters())
LOST = entries.Disconnected(cause="stall", detail="no byte", silent=30.0)
START = entries.CaptureStart(because="started", status=2)
RESUMED = entries.CaptureStart(because="resumed", status=3)
STOP = entries.CaptureStop(because="stopped", status=4)
KEYWORDS = entries.Keywords(before=None, after="cats")
CONNECTED = entries.Connected(endpoint="statuses/filter", status=200, failed_attempts=0)
UPDATE = bookings.Update(count=1, counters=Counters())
