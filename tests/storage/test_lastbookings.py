"""Files that a crash has left by the dozen, beside a ledger that tells of some of them."""

import json
from itertools import accumulate
from time import process_time

from tcclient.ledger.bookings import CameBack, NotStored, Update
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import RefusedLine, as_line
from tcclient.ledger.reading import raw_newest_first
from tcclient.storage.recovery import ledger_path
from tests.storage.test_recovery import HALF_PAST, RecoveryCase

LONG = 20_000_000
"""Bytes of a ledger that takes a while to read."""
POST = b'{"id": 1, "text": "x"}\n'


def temporary(number: int) -> str:
    """The name of one of many temporary files."""
    return f"test20151202_{number // 60:02}{number % 60:02}.json.tmp"


class ManyFilesTests(RecoveryCase):
    def leave(self, *posts: int) -> None:
        """A crash has left files with so many posts each."""
        self.put(**{temporary(n): POST * many for n, many in enumerate(posts)})

    def test_their_posts_add_up(self) -> None:
        """Of each file, and without those that an earlier line has counted as not stored."""
        self.leave(3, 1, 4, 1)
        self.note_counters((7, Counters(100, 20, 5)))
        with self.ledger() as ledger:
            for number, posts, job in ((1, 2, 7), (2, 3, 7), (3, 1, 8)):
                gone = NotStored(posts, "it was removed", counted=True, file=temporary(number))
                ledger.write(gone, job)
            ledger.write(CameBack(temporary(2), 1), 7)
            ledger.write(Update(count=2, counters=Counters(100, 16, 7)), 7)
        self.recover()
        booked = [line["account"] for line in self.events("file")]
        posts = list(accumulate((3, 1 - 1, 4 - 2, 1), initial=16))[1:]
        self.assertEqual(booked, [{"base": 100, "posts": n, "settled": 7} for n in posts])
        back = [(line["job"], line["file"], line["posts"]) for line in self.events("came_back")]
        at_start = (7, temporary(2), 1)
        rest = [(7, temporary(1), 1), (7, temporary(2), 2), (8, temporary(3), 1)]
        self.assertEqual(back, [at_start, *rest])

    def test_a_long_ledger_is_read_once_for_all(self) -> None:
        """So that a restore gone wrong, which leaves thousands, does not take a start for days."""

        def seconds(files: int) -> float:
            self.begin_afresh()
            path = ledger_path(self.base, "test")
            line = as_line(RefusedLine("it is not JSON", 5, "{what"), 7, HALF_PAST)
            path.write_bytes(line * (LONG // len(line)))
            self.leave(*[1] * files)
            begin = process_time()
            self.recover()
            return process_time() - begin

        self.assertLess(seconds(40), 3 * seconds(1))
        newest = map(json.loads, raw_newest_first(ledger_path(self.base, "test")))
        self.assertEqual(next(newest)["kind"], "file")
