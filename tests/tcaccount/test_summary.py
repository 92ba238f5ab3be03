"""The account in words: every number of the summary, by ledgers that are known."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, moment
from tcclient.ledger.wording import length, number, percent
from tcclient.sources.twitter_v1.entries import Delete, LimitNotice, UserWithheld
from tests.marks import Need, needs
from tests.storage.disk import held_by_another_process
from tests.tcaccount.ledgertext import (
    NOON,
    RESUMED,
    STARTED,
    FolderCase,
    gap,
    job,
    post_at,
    stopped,
)

OPENED = bookings.CaptureOpen(schema=1, name="test", counters=Counters(base=5))


def file(name: str, posts: int) -> bookings.File:
    return bookings.File(name=name, posts=posts, bytes=9, counters=Counters(5, posts, 0))


class SummaryTests(FolderCase):
    def summary(self, *told: tuple[float, Entry]) -> dict[str, list[str]]:
        """Title -> its lines."""
        if told:
            self.tell(*told)
        status, out, err = self.account()
        self.assertEqual((status, err), (0, ""))
        found: dict[str, list[str]] = {}
        title = ""
        for line in out.splitlines()[1:]:
            title = line[:18].strip() or title
            found.setdefault(title, []).append(line[18:])
        return found

    def test_a_capture_that_was_stopped(self) -> None:
        """Its time, what of it is covered, and each gap."""
        found = self.summary(
            (0, STARTED),
            (3600, gap(0, 36, "start")),
            (7200, gap(7000, 7100)),
            (7300, gap(7050, 7200)),
            (36000, stopped()),
        )
        self.assertEqual(
            found,
            {
                "Period": ["2026-11-23 12:00:00 to 2026-11-23 22:00:00 UTC, when it was stopped"],
                "Wanted": ["10 h 0 min between starts and stops by researchers"],
                "Coverage": ["99.344 % of the wanted time: 3 min 56 s missing"],
                "Gaps": [
                    "3, the longest 2 min 30 s",
                    "  stall: 2, 4 min 10 s in all",
                    "  start: 1, 36.0 s in all",
                ],
                "Longest gaps": [
                    "from 2026-11-23 12:00:00 to 2026-11-23 12:00:36, 36.0 s, start: it was so",
                    "from 2026-11-23 13:56:40 to 2026-11-23 13:58:20, 1 min 40 s, stall: it was so",
                    "from 2026-11-23 13:57:30 to 2026-11-23 14:00:00, 2 min 30 s, stall: it was so",
                ],
                "Posts": ["0 in 0 finished files"],
            },
        )

    def test_one_that_has_not_been_stopped(self) -> None:
        """Counts to the end of the ledger, and so does a gap that is open."""
        found = self.summary((0, STARTED), (1, gap(0, 0)), (80, stopped("left")), (100, RESUMED))
        self.assertEqual(
            found["Period"],
            ["2026-11-23 12:00:00 to 2026-11-23 12:01:40 UTC, where the ledger ends"],
        )
        self.assertEqual(found["Coverage"], ["79.750 % of the wanted time: 20.2 s missing"])
        self.assertIn(
            "from 2026-11-23 12:01:19 still open at the end of the ledger, 20.2 s, "
            "client_stopped: the client was stopped",
            found["Longest gaps"],
        )

    def test_how_a_capture_ends(self) -> None:
        """Its last stop says."""
        for because, text in (("withdrawn", "withdrawn from"), ("renamed", "another folder")):
            found = self.summary((0, STARTED), (10, stopped(because)))
            self.assertIn(text, found["Period"][0])

    def test_the_longest_gaps(self) -> None:
        """Ten of them, in order."""
        told = [(n * 10.0, gap(n * 10, n * 10 + 1 + n % 7)) for n in range(30)]
        found = self.summary((0, STARTED), *told, (400, stopped()))
        self.assertEqual(found["Gaps"][0], "30, the longest 7.0 s")
        self.assertEqual(len(found["Longest gaps"]), 10)
        self.assertEqual(found["Longest gaps"], sorted(found["Longest gaps"]))

    def test_no_gaps(self) -> None:
        """All of the time is covered."""
        found = self.summary((0, STARTED), (0, gap(0, 0)), (10, stopped()))
        self.assertEqual(found["Coverage"], ["100 % of the wanted time: 0.0 s missing"])

    def test_without_a_start(self) -> None:
        """Nothing is claimed."""
        found = self.summary((0, OPENED))
        self.assertIn("not known", found["Period"][0])
        self.assertNotIn("Coverage", found)
        self.assertEqual(found["Gaps"], ["none"])

    def test_backfill(self) -> None:
        """Such gaps are told apart: their posts may be in the files."""
        found = self.summary((0, STARTED), (9, gap(1, 2, backfill=1)), (20, gap(15, 18)))
        self.assertIn("X was asked for the posts of 1 of them afterwards", found["Gaps"][-1])

    def test_posts(self) -> None:
        """Adopted files apart, and what the server held."""
        adopted = bookings.Adopted(name="old", posts=7, bytes=9, sha256="x")
        found = self.summary((0, adopted), (0, OPENED), (1, file("a", 1200)))
        self.assertEqual(
            found["Posts"],
            [
                "1,200 in 1 finished file",
                "7 in 1 file from before the ledger",
                "job 7: 1,200 in files that this client finished, 5 more that the server has from "
                "elsewhere",
            ],
        )

    def test_a_job_that_nobody_else_had(self) -> None:
        """Nothing is said of posts from elsewhere, which there are none of."""
        opened = bookings.CaptureOpen(schema=1, name="test", counters=Counters())
        finished = bookings.File(name="a", posts=1200, bytes=9, counters=Counters(posts=1200))
        found = self.summary((0, opened), (1, finished))
        self.assertEqual(found["Posts"][-1], "job 7: 1,200 in files that this client finished")

    @needs(Need.PROCESSES)
    def test_a_file_that_is_not_finished(self) -> None:
        """A client writes it, or a crash has left it."""
        self.tell((0, OPENED))
        (self.folder / "test1.json.tmp").write_bytes(post_at(1) + b"\n\n" + post_at(2) + b"\n")
        self.assertIn("2 in test1.json.tmp, left by a crash", self.summary()["Posts"])
        with held_by_another_process(self.ledger):
            self.assertIn("2 in test1.json.tmp, being written", self.summary()["Posts"])

    def test_what_is_not_in_the_files(self) -> None:
        """Estimates begin anew with each opening; the others are counts."""
        limits = [LimitNotice(message={}, undelivered=n) for n in (4, 10, 3)]
        found = self.summary(
            (0, OPENED), (1, limits[0]), (2, limits[1]), (3, OPENED), (4, limits[2]),
            (5, bookings.NotStored(posts=2, reason="full")),
            (6, bookings.NotStored(posts=3, reason="full")),
            (7, bookings.Torn(name="a.torn", bytes=3)),
            (8, entries.RefusedLine(reason="no", bytes=3, begins="x")),
            (9, entries.DeliveredAgain(posts=4)),
            (9, entries.DeliveredAgain(posts=3)),
            (9, entries.DeliveredAgain(posts=9, kept=True)),
        )  # fmt: skip
        self.assertEqual(
            found["Not in the files"],
            [
                "about 13 matched and were not delivered:",
                "  an estimate, from 3 limit notices",
                "5 arrived and were not stored",
                "7 came again, and were stored once",
                "1 cut by a crash, kept in .torn files",
                "1 line that was no message",
            ],
        )

    def test_keywords(self) -> None:
        """From when until when each text was in force; none is the sample."""
        term = entries.RefusedTerm("x", "why")
        found = self.summary(
            (0, entries.Keywords(before=None, after="a, x", refused=(term,))),
            (1, entries.KeywordsInForce(text="a, x", since=moment(NOON + 2))),
            (60, entries.Keywords(before="a, x", after="b")),
            (70, entries.Keywords(before="b", after=None)),
            (71, entries.KeywordsInForce(text=None, since=moment(NOON + 71))),
        )
        self.assertEqual(
            found["Keywords"],
            [
                "'a, x': from 2026-11-23 12:00:02 to 2026-11-23 12:01:11",
                "  1 term left out",
                "'b': not known to have been in force, asked for at 2026-11-23 12:01:00",
                "all posts (the sample): from 2026-11-23 12:01:11 to the end of the ledger",
            ],
        )

    def test_what_else_happened(self) -> None:
        """Messages, clock, disk, and what the ledger lost."""
        found = self.summary(
            (0, Delete(message={})),
            (0, Delete(message={})),
            (0, UserWithheld(message={})),
            (1, bookings.ClockStep(seconds=-3600.0)),
            (1, bookings.Sleep(seconds=20.5)),
            (2, bookings.Sleep(seconds=3600.0)),
            (2, bookings.DiskTrouble(reason="full")),
            (9, bookings.DiskRecovered(after=7.0)),
            (9, bookings.DiskTrouble(reason="full")),
            (10, bookings.LedgerRepaired(cut_bytes=12)),
            (11, bookings.LinesDropped(lines=4)),
        )
        self.assertEqual(
            found["Messages"], ["2 deletions of posts", "1 user withheld in countries"]
        )
        self.assertEqual(
            found["This machine"],
            [
                "the clock was set back by 1 h 0 min, to 2026-11-23 12:00:01",
                "it slept 2 times, 1 h 0 min in all",
                "the disk took no posts 2 times, 7.0 s in all, but for 1 whose end nobody has seen",
            ],
        )
        self.assertEqual(
            found["Ledger"],
            ["a crash cut 1 line of it, 12 bytes", "4 lines found no room on the disk"],
        )

    def test_outages_of_the_server(self) -> None:
        """Those of the time in which the folder was in use, each second once."""
        self.tell((100, STARTED), (200, stopped()))
        for at, after in ((50, 10.0), (150, 20.0), (155, 20.0), (400, 50.0)):
            self.clock.rightNow = NOON + at
            self.folders.note(entries.ServerAnswers(doing="listing the jobs", after=after))
        self.assertEqual(
            self.summary()["Capture server"], ["failed 1 time, 25.0 s in all; capturing went on"]
        )

    def test_two_jobs_of_one_folder(self) -> None:
        """Each has its own time; one that left for another folder is not missed here."""
        self.capture(2)
        self.clock.advance(10_000)
        self.capture(3, of=job(8))
        status, out, _ = self.account()
        self.assertEqual(status, 0)
        self.assertIn('Capture "test", job 7, 8\n', out)
        self.assertIn("job 7: 100 % of 10 min 0 s", out)
        self.assertIn("job 8: 100 % of 10 min 0 s", out)
        self.assertIn("20 min 0 s between", out)


class WordingTests(SynchronousTestCase):
    def test_lengths(self) -> None:
        """The two largest units."""
        for seconds, text in (
            (0.04, "0.0 s"),
            (59.94, "59.9 s"),
            (60, "1 min 0 s"),
            (3599.9, "59 min 59 s"),
            (90_000, "1 d 1 h"),
        ):
            self.assertEqual(length(seconds), text)

    def test_percentages(self) -> None:
        """All of it only where nothing is missing."""
        for part, text in ((1e9, "100 %"), (1e9 - 1, "99.999 %"), (0, "0.000 %")):
            self.assertEqual(percent(part, 1e9), text)

    def test_numbers(self) -> None:
        """With their nouns."""
        self.assertEqual(number(1234567), "1,234,567")
        self.assertEqual([number(n, "file") for n in (0, 1, 2)], ["0 files", "1 file", "2 files"])
        self.assertEqual(number(2, "deletion of a post", "deletions"), "2 deletions")
