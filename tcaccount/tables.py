"""
The account as tables for other programs: CSV with a header, times in UTC.  Pure.

Knows the columns; does not know what follows from the lines of a ledger.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TextIO

from tcaccount.record import Record, record
from tcclient.ledger.lines import AnyLine, LedgerLine
from tcclient.ledger.wording import iso
from tcclient.sources.source import Row, Table

Lines = Iterable[AnyLine]

_GAPS = (
    "job", "begin", "end", "seconds", "open", "cause", "detail", "attempts", "status",
    "explanation", "keywords", "backfill_minutes",
)  # fmt: skip
_ENDS = ("first_id", "last_id", "first_arrival", "last_arrival")
_FILES = ("job", "name", "posts", "bytes", "sha256", *_ENDS, "recovered", "adopted")
_KEYWORDS = ("job", "text", "asked", "from", "to", "left_out")


def gaps(found: Record) -> Iterator[Row]:
    """Yield the header, and a row for each gap in order of their beginnings."""
    yield _GAPS
    for one in found.gaps():
        line = one.line
        yield (
            one.job, line.begin, line.end, round(one.seconds, 3), _yes(one.is_open), line.cause,
            line.detail, line.attempts, line.status, line.explanation, line.keywords, line.backfill,
        )  # fmt: skip


def files(found: Record) -> Iterator[Row]:
    """Yield the header, and a row for each file, in the order in which the ledger has them."""
    yield _FILES
    for one in found.files:
        entry = one.entry
        ends = (getattr(entry, name, None) for name in _ENDS)  # nobody knows those of an older file
        yield (
            one.job, entry.name, entry.posts, entry.bytes, entry.sha256, *ends,
            _yes(getattr(entry, "recovered", False)), _yes(one.is_adopted),
        )  # fmt: skip


def keywords(found: Record) -> Iterator[Row]:
    """Yield the header, and a row for each keyword text, job by job, in order."""
    yield _KEYWORDS
    for one in found.wordings():
        left_out = "; ".join(f"{term.term}: {term.reason}" for term in one.refused)
        yield one.job, one.text, iso(one.asked), iso(one.begin), iso(one.end), left_out


TABLES: Mapping[str, Callable[[Lines], Iterator[Row]]] = {
    "gaps": lambda lines: gaps(record(lines)),
    "files": lambda lines: files(record(lines)),
    "keywords": lambda lines: keywords(record(lines)),
}
"""The tables that all ledgers fill, by name: from the lines to the rows, the header first."""


def all_tables(of_sources: Mapping[str, Table]) -> dict[str, Callable[[Lines], Iterator[Row]]]:
    """Return TABLES, and with them the tables that only some sources fill, by name."""
    return {**TABLES, **{name: _of_readable(table) for name, table in of_sources.items()}}


def _of_readable(table: Table) -> Callable[[Lines], Iterator[Row]]:
    """Return a table that takes all lines of a ledger, and uses those that could be read."""
    return lambda lines: table(line for line in lines if isinstance(line, LedgerLine))


def write(rows: Iterable[Row], to: TextIO) -> None:
    """Write rows as CSV by RFC 4180, except that lines end as on Unix."""
    csv.writer(to, lineterminator="\n").writerows(rows)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
