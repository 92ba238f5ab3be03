"""What is read of a long ledger for one job."""

from collections.abc import Callable
from pathlib import Path
from time import process_time

from msgspec import structs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, as_line
from tcclient.ledger.fold import Fold, resumed
from tcclient.ledger.known import newest_counters_in
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.newest import MANY, MOST_ATTEMPTS, newest_of_job
from tcclient.ledger.reading import lines
from tcclient.ledger.vocabulary import COMMON
from tcclient.sources.twitter_v1.entries import LimitNotice
from tests.peers import EPOCH

START = entries.CaptureStart(because="started", status=2)
REFUSED = entries.RefusedLine(reason="it is none", bytes=3, begins='"kind": "gap"')


def opening(name: str = "cats") -> Entry:
    """A client takes the folder."""
    return bookings.CaptureOpen(schema=1, name=name, boot="b", counters=Counters())


def file(posts: int, **more: bool) -> Entry:
    """A file is finished; so many posts are in files then."""
    return bookings.File(
        name=f"{posts}.json",
        posts=1,
        bytes=1,
        last_arrival=entries.moment(EPOCH),
        counters=Counters(posts=posts),
        **more,
    )


UNCOUNTED = bookings.File(name="a.json", posts=3, bytes=1, last_arrival=entries.moment(EPOCH))


def cpu(act: Callable[[], object]) -> float:
    """Return how many seconds of CPU something takes."""
    begin = process_time()
    act()
    return process_time() - begin


class NewestOfJobTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.path.touch()

    def book(self, *lines: Entry, job: int | None = 1) -> None:
        """The ledger has these lines, about a job."""
        with self.path.open("ab") as ledger:
            ledger.writelines(as_line(entry, job, EPOCH) for entry in lines)

    def kinds(self, job: int = 1) -> list[str]:
        """Of the lines that are read for a job, the newest first."""
        return [
            one.entry.kind for one in newest_of_job(self.path, job) if isinstance(one, LedgerLine)
        ]

    def test_thousands_of_files(self) -> None:
        """Only the newest counts; of lines that come often none does."""
        self.book(opening(), START, *(line for n in range(2000) for line in (file(n), REFUSED)))
        self.book(REFUSED, job=None)
        self.assertEqual(self.kinds(), ["file", "capture_start", "capture_open"])
        found = resumed(newest_of_job(self.path, 1), 1)
        self.assertEqual(found.counters[1].posts, 1999)
        self.assertTrue(found.jobs[1].is_running)

    def test_files_of_a_crash(self) -> None:
        """Each of them tells until when something came."""
        self.book(opening(), file(1), file(2, recovered=True), file(3, recovered=True))
        self.assertEqual(self.kinds(), ["file", "file", "file", "capture_open"])

    def test_updates_of_earlier_releases(self) -> None:
        """The newest has the newest counters; what is on the disk a file before it tells."""
        update = bookings.Update(count=1, counters=Counters())
        self.book(opening(), file(1), file(2), *[update] * 9)
        self.assertEqual(self.kinds(), ["update", "file", "capture_open"])

    def test_another_job(self) -> None:
        """Of one that had the folder before, or has it next, only the opening counts."""
        self.book(opening(), START, file(1), REFUSED)
        self.book(START, file(1), job=11)
        self.assertEqual(self.kinds(7), ["capture_open"])

    def test_what_cannot_be_read(self) -> None:
        """It is counted, and not kept: there may be as much of it as there is room."""
        self.book(opening(), START)
        with self.path.open("ab") as ledger:
            ledger.write(b"\0\n\n[]\n" * 100)
        self.assertEqual(resumed(newest_of_job(self.path, 1), 1).damaged, 300)

    def test_floods(self) -> None:
        """Of lines of one kind without end few are read, and what follows is as from all."""
        at = entries.moment(EPOCH)
        gap = entries.Gap(
            begin=at, end=at, seconds=0, cause="stall", detail="", attempts=0, keywords="cats"
        )
        lost = entries.Disconnected(cause="stall", detail="no byte", silent=2.0)
        refused = entries.NotConnected(cause="refused", detail="", status=503)
        trouble = bookings.DiskTrouble(reason="full")
        asked = entries.Keywords(before=None, after="cats")
        connected = entries.Connected(endpoint="", status=200, failed_attempts=0)
        known = (opening(), START, asked, gap)
        left = entries.CaptureStop(because="left", status=3, covered=at)
        open_gap = entries.OpenGap(covered=at, cause="stall", detail="")
        for flood in (
            (REFUSED,),
            (entries.Unknown(message={"kind": "no kind"}),),
            (LimitNotice(message={}, undelivered=1),),
            (bookings.Update(count=1, counters=Counters(posts=1)),),
            (file(1),),
            (file(1, recovered=True),),
            (UNCOUNTED,),
            (structs.replace(UNCOUNTED, recovered=True),),
            (bookings.NotStored(posts=2, reason="", counted=True),),
            (bookings.NotStored(posts=2, reason=""),),
            (bookings.CameBack(file="a", posts=1),),
            (UNCOUNTED, bookings.NotStored(posts=2, reason="", counted=True), lost, gap),
            (gap,),
            (lost,),
            (structs.replace(lost, overlap=1.0),),
            (lost, refused),
            (lost, refused, connected, gap),
            (trouble, bookings.DiskRecovered(after=1.0)),
            (asked,),
            (structs.replace(asked, after="half \ud83d"), asked),
            (opening(),),
            (opening(), START),
            (opening(), START, gap, left),
            (START,),
            (left,),
            (bookings.Sleep(seconds=1.0, open_gap=open_gap),),
            (bookings.CameBack(file="half \ud83d", posts=1),),
            (bookings.NotStored(posts=2, reason="half \udc00", counted=True), UNCOUNTED, REFUSED),
            (bookings.CameBack(file="\\ud83d", posts=1),),
        ):
            self.path.write_bytes(b"")
            self.book(*known, *(flood * (4 * MANY)))
            read = list(newest_of_job(self.path, 1))
            attempts = 4 * MANY if refused in flood and gap not in flood else 0
            self.assertLess(len(read), len(flood) * MANY + attempts + 10, flood)
            found, all_lines = resumed(iter(read), 1), Fold()
            for one in lines(self.path, COMMON):
                all_lines.take(one)
            self.assertEqual(found.jobs[1].missing, all_lines.jobs[1].missing, flood)
            self.assertEqual(found.jobs[1].text, "cats")
            self.assertEqual(found.jobs[1].coverage, all_lines.jobs[1].coverage, flood)
            self.assertEqual(found.counters, all_lines.counters, flood)
            self.assertEqual(newest_counters_in(self.path), all_lines.counters, flood)

    def test_half_surrogates_cost_little(self) -> None:
        """Thousands of lines with one are passed over about as quickly as without."""

        def seconds(text: str) -> float:
            self.path.write_bytes(b"")
            self.book(opening(), START, *[entries.Unknown(message={"text": text})] * (30 * MANY))
            return min(cpu(lambda: list(newest_of_job(self.path, 1))) for _ in range(3))

        self.assertLess(seconds("half \ud83d"), 3 * seconds("none \u2014"))

    def test_openings_for_other_jobs_without_end(self) -> None:
        """They say that the process that was heard has ended, and which boot that was."""
        gap = entries.Gap(
            begin=entries.moment(EPOCH),
            end=entries.moment(EPOCH),
            seconds=0,
            cause="stall",
            detail="",
            attempts=0,
            keywords="cats",
        )
        self.book(opening(), START, entries.Keywords(before=None, after="cats"), gap)
        self.book(*[opening("dogs")] * (3 * MANY), job=2)
        read = list(newest_of_job(self.path, 1))
        self.assertLess(len(read), MANY + 10)
        all_lines = Fold()
        for one in lines(self.path, COMMON):
            all_lines.take(one)
        self.assertEqual(resumed(iter(read), 1).jobs[1].coverage, all_lines.jobs[1].coverage)

    def test_nonsense_without_end(self) -> None:
        """No more of it is counted than says that there is much."""
        self.book(opening(), START)
        with self.path.open("ab") as ledger:
            ledger.write(b"\n" * 3 * MANY)
        self.assertEqual(resumed(newest_of_job(self.path, 1), 1).damaged, MANY)

    def test_counters_are_read_once(self) -> None:
        """A start asks for them again and again; they are read anew when there are more lines."""
        self.book(opening(), file(1), *[UNCOUNTED] * (30 * MANY))
        first = cpu(lambda: newest_counters_in(self.path, 1))
        self.assertLess(cpu(lambda: newest_counters_in(self.path, 1)), first / 5)
        self.book(file(7))
        self.assertEqual(newest_counters_in(self.path, 1)[1].posts, 7)

    def test_attempts_without_end(self) -> None:
        """So many are counted, and no more are kept in memory."""
        refused = entries.NotConnected(cause="refused", detail="", status=503)
        self.book(opening(), START, *([refused] * (MOST_ATTEMPTS + 5)))
        missing = resumed(newest_of_job(self.path, 1), 1).jobs[1].missing
        self.assertEqual(missing and missing.attempts, MOST_ATTEMPTS)
