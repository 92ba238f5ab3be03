"""
What an account says of the lines that only v1.1 writes.  Pure.

Knows those lines and their words; reads no file.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from tcclient.ledger.bookings import CaptureOpen
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.wording import iso, number
from tcclient.sources.source import COMMON_MESSAGES, Row, SourceReport
from tcclient.sources.twitter_v1.entries import LimitNotice
from tcclient.sources.twitter_v1.limits import track_in


class LimitsTold(Struct):
    """
    How many limit notices there were, and the estimate: of earlier openings of the folder, and of
    the present one.
    """

    notices: int = 0
    before: int = 0
    now: int = 0


class V1Report(SourceReport):
    """
    Adds up how many posts matched and were not delivered: each limit notice gives the estimate so
    far, which begins anew each time that the capture's folder is opened.
    """

    messages: Mapping[str, tuple[str, str]] = {
        "delete": ("deletion of a post", "deletions of posts"),
        "scrub_geo": ("removal of places", "removals of places"),
        "status_withheld": ("post withheld in countries", "posts withheld in countries"),
        "user_withheld": ("user withheld in countries", "users withheld in countries"),
        "disconnect": COMMON_MESSAGES["disconnect"],
        "warning": ("warning", "warnings"),
        "event": ("event of the account", "events of the account"),
    }

    def __init__(self) -> None:
        self.told = LimitsTold()

    def take(self, line: LedgerLine) -> None:
        """Take the next line of the ledger; only limit notices and openings of the folder count."""
        entry, told = line.entry, self.told
        if isinstance(entry, LimitNotice):
            told.notices += 1
            told.now = entry.undelivered
        elif isinstance(entry, CaptureOpen):
            told.before, told.now = told.before + told.now, 0

    def not_in_files(self) -> Iterator[str]:
        """Yield the estimate, if there was a limit notice, and what it is made from."""
        told = self.told
        if told.notices:
            yield f"about {number(told.before + told.now)} matched and were not delivered:"
            yield f"  an estimate, from {number(told.notices, 'limit notice')}"


def limits(lines: Iterable[LedgerLine]) -> Iterator[Row]:
    """
    Yield a row for each limit notice: the job, the time, the number as Twitter gave it, and the
    estimate after it.
    """
    yield "job", "at", "track", "undelivered_estimate"
    for line in lines:
        if isinstance(line.entry, LimitNotice):
            entry = line.entry
            yield line.job, iso(line.at), track_in(entry.message), entry.undelivered
