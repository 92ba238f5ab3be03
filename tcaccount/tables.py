"""
The account as tables for other programs: CSV with a header, times in UTC.  Pure.

Knows the columns; does not know what follows from the lines of a ledger.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TextIO

import attrs

from tcaccount.record import LISTED, Booked, Record, record
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


def files(found: Iterable[Booked]) -> Iterator[Row]:
    """Yield the header, and a row for each file, in their order."""
    yield _FILES
    for one in found:
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
    "gaps": lambda lines: gaps(record(lines, without=LISTED)),
    "files": lambda lines: files(record(lines).files),
    "keywords": lambda lines: keywords(record(lines, without=LISTED)),
}
"""The tables that all ledgers fill, by name: from the lines to the rows, the header first."""


def all_tables(of_sources: Mapping[str, Table]) -> dict[str, Callable[[Lines], Iterator[Row]]]:
    """Return TABLES, and with them the tables that only some sources fill, by name."""
    return {**TABLES, **{name: _of_readable(table) for name, table in of_sources.items()}}


def _of_readable(table: Table) -> Callable[[Lines], Iterator[Row]]:
    """Return a table that takes all lines of a ledger, and uses those that could be read."""
    return lambda lines: table(line for line in lines if isinstance(line, LedgerLine))


def write(rows: Iterable[Row], to: TextIO) -> None:
    """
    Write rows as CSV by RFC 4180, except that lines end as on Unix, and that a text which a
    spreadsheet would take for a formula has an apostrophe before it.
    """
    csv.writer(_UnixLines(to)).writerows(map(_harmless, row) for row in rows)


@attrs.frozen
class _UnixLines:
    """
    Takes the rows that a writer of lines with CR LF has made: one of other lines leaves a CR in a
    text without quotation marks, before Python 3.13, and the row would end there.
    """

    to: TextIO

    def write(self, line: str) -> int:
        """Write one row, which ends in CR LF."""
        return self.to.write(f"{line[:-2]}\n")


# What OWASP names ("CSV Injection"), in both widths.  A text that has apostrophes before such a
# sign gets one more, so that taking away one before such a text gives each text back.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _yes(value: bool) -> str:
    return "yes" if value else "no"
