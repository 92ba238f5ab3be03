"""What docs/account.md shows, compared with what the command says."""

import re
from pathlib import Path

from tcaccount import tables
from tcaccount.command import make_parser
from tcaccount.reading import Reading
from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, moment
from tcclient.sources.twitter_v1.entries import Delete, LimitNotice
from tests.tcaccount.ledgertext import NOON, RESUMED, STARTED, FolderCase, stopped

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "account.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
HOUR = 3600.0
READING = Reading.of()


def because(begin: float, end: float, cause: str, detail: str) -> entries.Gap:
    return entries.Gap(
        begin=moment(NOON + begin), end=moment(NOON + end), seconds=end - begin, cause=cause,
        detail=detail, attempts=0, keywords=None,
    )  # fmt: skip


def limit(undelivered: int) -> LimitNotice:
    return LimitNotice(message={}, undelivered=undelivered)


def in_force(text: str, since: float) -> entries.KeywordsInForce:
    return entries.KeywordsInForce(text=text, since=moment(NOON + since))


def files() -> list[tuple[float, Entry]]:
    """One each ten minutes; the last one has what is left."""
    sizes = [16_714] * 71 + [1_203_456 - 71 * 16_714]
    totals = [sum(sizes[: n + 1]) for n in range(72)]
    return [
        (
            600.0 * (n + 1),
            bookings.File(
                name=f"f{n}", posts=sizes[n], bytes=1, counters=Counters(1000, totals[n], 0)
            ),
        )
        for n in range(72)
    ]


EXAMPLE: list[tuple[float, Entry]] = [
    (0, STARTED),
    (0, entries.Keywords(before=None, after="debate")),
    (2, because(0, 2, "start", "the capture was started")),
    (2, in_force("debate", 2)),
    (11_000, Delete(message={})),
    (12_010, because(11_970.5, 12_010, "stall", "no byte came for 30 s")),
    (4 * HOUR, entries.Keywords(before="debate", after="debate, vote")),
    (4 * HOUR + 3, in_force("debate, vote", 4 * HOUR + 3)),
    (5 * HOUR, limit(100)),
    (5 * HOUR, Delete(message={})),
    (6 * HOUR, stopped("left")),
    (6 * HOUR + 300, bookings.CaptureOpen(schema=1, name="election", counters=Counters(1000))),
    (6 * HOUR + 300, RESUMED),
    (6 * HOUR + 301, because(6 * HOUR, 6 * HOUR + 301, "client_stopped", "the client was stopped")),
    (7 * HOUR, limit(210)),
    (8 * HOUR, bookings.ClockStep(seconds=2.5)),
    *files(),
    (12 * HOUR, stopped()),
]


class ExampleTests(FolderCase):
    def test_the_summary(self) -> None:
        """It is what such a ledger gives."""
        self.folder = self.base / "election"
        self.ledger = self.folder / "election.ledger.jsonl"
        self.tell(*EXAMPLE)
        self.clock.rightNow = NOON + 9 * HOUR
        self.folders.note(entries.ServerAnswers(doing="listing the jobs", after=720.0))
        status, out, _ = self.account()
        self.assertEqual(status, 0)
        self.assertEqual(DOCS.split("```\n")[1], out)

    def test_the_commands(self) -> None:
        """Those of this page and of the README are understood."""
        for text, least in ((DOCS, 4), (README, 2)):
            commands = re.findall(r"^(?:    |  *\$ *)?tcc-account (.*?)(?: {2,}.*)?$", text, re.M)
            self.assertGreaterEqual(len(commands), least)
            for command in commands:
                make_parser(READING).parse_args(command.split())

    def test_the_tables(self) -> None:
        """Each is named."""
        for name in tables.all_tables(READING.tables):
            self.assertIn(name, re.findall(r"a table: (.*)", DOCS)[0])
