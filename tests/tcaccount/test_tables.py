"""The account as CSV: what a program reads is what the ledger has."""

import csv
import io

from tcaccount.record import LISTED, record
from tcaccount.tables import write
from tcclient.ledger import bookings, entries
from tcclient.ledger.entries import moment
from tcclient.ledger.reading import lines
from tcclient.ledger.vocabulary import COMMON
from tcclient.sources.twitter_v1.entries import LimitNotice
from tests.tcaccount.ledgertext import NOON, STARTED, FolderCase, gap, stopped


class TableTests(FolderCase):
    def table(self, name: str) -> list[dict[str, str]]:
        """The rows, by the header."""
        status, out, err = self.account("--csv", name)
        self.assertEqual((status, err), (0, ""))
        return list(csv.DictReader(out.splitlines(keepends=True)))

    def test_gaps(self) -> None:
        """With all that is known of them, the open one too."""
        self.tell(
            (0, STARTED),
            (9, gap(1, 9.5, status=503, explanation='a, "b"', attempts=3, backfill=2)),
            (20, stopped("left")),
        )
        first, last = self.table("gaps")
        self.assertEqual(
            first,
            {
                "job": "7",
                "begin": "2026-11-23T12:00:01.000Z",
                "end": "2026-11-23T12:00:09.500Z",
                "seconds": "8.5",
                "open": "no",
                "cause": "stall",
                "detail": "it was so",
                "attempts": "3",
                "status": "503",
                "explanation": 'a, "b"',
                "keywords": "obama",
                "backfill_minutes": "2",
            },
        )
        self.assertEqual((last["open"], last["cause"]), ("yes", "client_stopped"))

    def test_what_spreadsheets_take_for_formulas(self) -> None:
        """Such a text has an apostrophe before it, and comes back by taking that away."""
        signs = ("=1+2", "+1", "-cats", "@sum(1)", "\tx", "\r=x", "\n=x", "＝1", "'=1", "''-1")
        plain = ("'cats'", "a=b", "7-8", "", "two\rlines")
        to = io.StringIO()
        write([(text, -7) for text in (*signs, *plain)], to)
        found = list(csv.reader(io.StringIO(to.getvalue(), newline="")))
        self.assertEqual(found, [[f"'{text}", "-7"] for text in signs] + [[t, "-7"] for t in plain])
        self.assertEqual(to.getvalue().count("\r"), 2)

    def test_what_is_left_out(self) -> None:
        """A summary keeps no hashes and times of files, of which a year has 50,000."""
        self.capture(3)
        [whole] = record(lines(self.ledger, COMMON)).files
        [brief] = record(lines(self.ledger, COMMON), without=LISTED).files
        self.assertEqual((brief.entry.name, brief.entry.posts), (whole.entry.name, 3))
        for name in LISTED:
            self.assertIsNotNone(getattr(whole.entry, name))
            self.assertIsNone(getattr(brief.entry, name))

    def test_limits(self) -> None:
        """The number of the notice, and the estimate; a notice of another shape has none."""
        self.tell(
            (1, LimitNotice(message={"limit": {"track": 5}}, undelivered=7)),
            (2, LimitNotice(message="no object", undelivered=7)),
        )
        self.assertEqual(
            [tuple(row.values()) for row in self.table("limits")],
            [
                ("7", "2026-11-23T12:00:01.000Z", "5", "7"),
                ("7", "2026-11-23T12:00:02.000Z", "", "7"),
            ],
        )

    def test_files(self) -> None:
        """In order, the adopted ones marked."""
        self.tell(
            (0, bookings.Adopted(name="old", posts=1, bytes=3, sha256="aa")),
            (
                1,
                bookings.File(
                    name="new", posts=2, bytes=6, sha256="bb", first_id="10", last_id="11",
                    first_arrival=moment(NOON), last_arrival=moment(NOON + 1), recovered=True,
                ),
            ),
        )  # fmt: skip
        old, new = self.table("files")
        self.assertEqual((old["name"], old["sha256"], old["adopted"]), ("old", "aa", "yes"))
        self.assertEqual(
            list(new.values()),
            [
                "7", "new", "2", "6", "bb", "10", "11", "2026-11-23T12:00:00.000Z",
                "2026-11-23T12:00:01.000Z", "yes", "no",
            ],
        )  # fmt: skip

    def test_keywords(self) -> None:
        """Texts with commas and quotation marks come through."""
        text = 'a, "b"\nc'
        term = entries.RefusedTerm("x", "why")
        self.tell(
            (0, entries.Keywords(before=None, after=text, refused=(term,))),
            (1, entries.KeywordsInForce(text=text, since=moment(NOON + 1))),
        )
        [row] = self.table("keywords")
        self.assertEqual(
            list(row.values()),
            ["7", text, "2026-11-23T12:00:00.000Z", "2026-11-23T12:00:01.000Z", "", "x: why"],
        )
