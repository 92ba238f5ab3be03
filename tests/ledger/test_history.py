"""When posts were wanted, when none could come, and for which keywords they came."""

from twisted.trial.unittest import SynchronousTestCase

from tcaccount.index import Index
from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, moment
from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.ledger.history import JobHistory
from tcclient.ledger.intervals import Interval
from tests.tcaccount.ledgertext import NOON, RESUMED, STARTED, gap, said, stopped

OPENED = bookings.CaptureOpen(schema=1, name="test", counters=Counters())
CLOSED = bookings.CaptureClose(counters=Counters())


def history(*told: tuple[float, Entry]) -> JobHistory:
    result = JobHistory(7)
    for line in said(*told):
        result.take(line)
    return result


def after_noon(at: float | None) -> float | None:
    return None if at is None else at - NOON


def asked(text: str | None) -> entries.Keywords:
    return entries.Keywords(before=None, after=text)


def in_force(text: str | None, since: float) -> entries.KeywordsInForce:
    return entries.KeywordsInForce(text=text, since=moment(NOON + since))


def lost(silent: float | None = None) -> entries.Disconnected:
    return entries.Disconnected(cause="stall", detail="silence", silent=silent)


class WantedTests(SynchronousTestCase):
    def wanted(self, *told: tuple[float, Entry], away: list[Interval] | None = None) -> object:
        """In seconds after noon."""
        elsewhere = [(begin + NOON, end + NOON) for begin, end in away or []]
        return [(b - NOON, e - NOON) for b, e in history(*told).wanted(elsewhere)]

    def test_from_starts_to_stops(self) -> None:
        """By researchers, or by a withdrawal; nothing is wanted in between."""
        told = (0, STARTED), (60, stopped()), (90, STARTED), (100, stopped("withdrawn"))
        self.assertEqual(self.wanted(*told), [(0, 60), (90, 100)])

    def test_a_stop_of_the_client_ends_nothing(self) -> None:
        """Neither does a crash; the capture was to run meanwhile."""
        told = (0, STARTED), (50, stopped("left")), (90, RESUMED), (95, RESUMED), (99, stopped())
        self.assertEqual(self.wanted(*told), [(0, 99)])

    def test_one_that_runs(self) -> None:
        """Until the last line that there is."""
        self.assertEqual(self.wanted((0, STARTED), (70, gap(0, 1))), [(0, 70)])

    def test_nothing_is_known_without_a_start(self) -> None:
        """A stop alone says nothing."""
        self.assertEqual(self.wanted((0, asked("a")), (70, stopped())), [])

    def test_while_the_job_was_in_another_folder(self) -> None:
        """Nothing was wanted here."""
        told = (0, STARTED), (50, stopped("left")), (90, RESUMED), (99, stopped())
        self.assertEqual(self.wanted(*told, away=[(60, 80)]), [(0, 60), (80, 99)])


class GapTests(SynchronousTestCase):
    def gaps(self, *told: tuple[float, Entry]) -> object:
        """(begin, end, cause, whether it is open), in seconds after noon."""
        found = history(*told).gaps()
        return [(one.begin - NOON, one.end - NOON, one.line.cause, one.is_open) for one in found]

    def test_as_the_ledger_has_them(self) -> None:
        """Each with its cause."""
        told = (0, STARTED), (2, gap(0, 2, "start")), (50, lost(5)), (60, gap(45, 60))
        self.assertEqual(self.gaps(*told), [(0, 2, "start", False), (45, 60, "stall", False)])

    def test_a_takeover_is_none(self) -> None:
        """The end of a stream beside which another is heard."""
        former = entries.Disconnected(cause="keywords", detail="", silent=0.1, overlap=5.0)
        told = (0, STARTED), (2, gap(0, 2, "start")), (50, former), (60, stopped("stopped"))
        self.assertEqual(self.gaps(*told), [(0, 2, "start", False)])

    def test_one_that_is_open(self) -> None:
        """
        From a little before the last byte, as a gap with both ends, to the last line of the ledger,
        whatever happened in between.
        """
        started = (0, STARTED), (2, gap(0, 2, "start"))
        ended = entries.Disconnected(cause="stopped", detail="it was")
        connected = entries.Connected(endpoint="e", status=200, failed_attempts=0)
        for told, expected in (
            (((50, lost(5)), (60, connected)), (45, 60, "stall", True)),
            (((50, lost()), (80, lost())), (50, 80, "stall", True)),
            (
                ((50, ended), (50, stopped("left", 49)), (51, CLOSED)),
                (49, 51, "client_stopped", True),
            ),
            (((50, stopped("left")), (70, RESUMED)), (50, 70, "client_stopped", True)),
        ):
            begin, *more = expected
            found = self.gaps(*started, *told)
            self.assertEqual(found, [(0, 2, "start", False), (begin - IN_FLIGHT, *more)])

    def test_one_before_the_first_byte(self) -> None:
        """Is open too."""
        self.assertEqual(self.gaps((0, STARTED), (9, asked("a"))), [(0, 9, "start", True)])

    def test_a_crash(self) -> None:
        """
        From the last moment until which all that came is known to be on the disk, as for the
        process that goes on: a line that was written later does not say so.
        """
        late = bookings.File(
            name="a", posts=1, bytes=3, recovered=True, last_arrival=moment(NOON + 60)
        )
        early = bookings.File(name="a", posts=1, bytes=3, recovered=True)
        for recovered, begin in ((late, 60), (early, 2)):
            told = (
                (0, OPENED), (0, STARTED), (2, gap(0, 2)), (50, asked("a")), (90, recovered),
                (90, OPENED), (90, RESUMED),
            )  # fmt: skip
            self.assertEqual(self.gaps(*told)[1:], [(begin - IN_FLIGHT, 90, "crash", True)])

    def test_a_capture_that_does_not_run_has_none(self) -> None:
        """Whatever ends or opens then."""
        told = (0, STARTED), (2, gap(0, 2)), (50, lost()), (50, stopped()), (51, CLOSED)
        self.assertEqual(len(self.gaps(*told, (90, OPENED), (95, lost()))), 1)

    def test_what_is_missing(self) -> None:
        """Gaps that overlap count once, and only where posts were wanted."""
        told = (
            (0, STARTED), (30, gap(20, 30)), (40, gap(25, 40)), (60, stopped()), (70, gap(55, 70)),
        )  # fmt: skip
        self.assertEqual(history(*told).missed(), 25)


class WordingTests(SynchronousTestCase):
    def wordings(self, *told: tuple[float, Entry]) -> object:
        """(text, asked, from, to), in seconds after noon."""
        found = history(*told).wordings
        return [(one.text, *map(after_noon, (one.asked, one.begin, one.end))) for one in found]

    def test_one_after_the_other(self) -> None:
        """Each is in force until the next one is."""
        told = (0, asked("a")), (1, in_force("a", 20)), (50, asked("b")), (51, in_force("b", 70))
        expected = [("a", 0, 20, 70), ("b", 50, 70, None)]
        self.assertEqual(self.wordings(*told), expected)

    def test_one_that_never_was_in_force(self) -> None:
        """Replaced too early."""
        told = (0, asked("a")), (5, asked(None)), (6, in_force(None, 6))
        self.assertEqual(self.wordings(*told), [("a", 0, None, None), (None, 5, 6, None)])

    def test_a_restart_changes_nothing(self) -> None:
        """The same text is said again, and stays the same wording."""
        told = (0, asked("a")), (1, in_force("a", 1)), (50, asked("a")), (52, in_force("a", 52))
        self.assertEqual(self.wordings(*told), [("a", 0, 1, None)])

    def test_a_stop_ends_it(self) -> None:
        """When it is asked for again, that is another time of the same text."""
        told = [(0, STARTED), (0, asked("a")), (1, in_force("a", 1)), (50, stopped())]
        self.assertEqual(self.wordings(*told), [("a", 0, 1, 50)])
        again = [(60, STARTED), (60, asked("a")), (61, in_force("a", 61))]
        expected = [("a", 0, 1, 50), ("a", 60, 61, None)]
        self.assertEqual(self.wordings(*told, *again), expected)

    def test_a_stop_while_new_ones_are_asked_for(self) -> None:
        """The old ones are in force until then, and no longer."""
        told = [(0, STARTED), (0, asked("a")), (1, in_force("a", 1)), (40, asked("b"))]
        expected = [("a", 0, 1, 50), ("b", 40, None, None)]
        self.assertEqual(self.wordings(*told, (50, stopped())), expected)

    def test_terms_that_are_left_out(self) -> None:
        """By us when it was read, or by X later."""
        term = entries.RefusedTerm("x", "why")
        told = (
            (0, entries.Keywords(before=None, after="a", refused=(term,))),
            (1, entries.TermsRefused(refused=(term,))),
        )
        self.assertEqual(history(*told).wordings[0].refused, (term, term))


class ElsewhereTests(SynchronousTestCase):
    def test_by_the_index(self) -> None:
        """While another folder of the same server's job was the newest."""
        index = Index()
        for line in said(
            (0, bookings.JobFolder(server="s", name="test")),
            (10, bookings.JobFolder(server="s", name="new")),
            (15, bookings.JobFolder(server="other", name="far")),
            (20, bookings.JobFolder(server="s", name="test")),
            (30, bookings.JobFolder(server="s", name="newer")),
        ):
            index.take(line)
        found = [(begin - NOON, end - NOON) for begin, end in index.elsewhere(7, "test")]
        self.assertEqual(found, [(10, 20), (30, float("inf"))])
        self.assertEqual(index.elsewhere(8, "test"), [])
