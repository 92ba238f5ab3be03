"""
The account of a capture as files: tables, as CSV and as JSON, and all of it as one object.

Yields pieces of a bounded size, each by queries of its own.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import msgspec

from tcaccount import tables
from tcaccount.document import document
from tcaccount.record import Record
from tcserver.accounts.account import CaptureAccount, account_of, all_files
from tcserver.captures.models import CaptureRecord

AT_ONCE = 500
"""Rows of a piece."""

Rows = Iterator[tuple[object, ...]]


def files(capture: CaptureRecord) -> Rows:
    """Yield the manifest: the header, and a row for each finished file, of whatever client."""
    [header] = tables.files([])
    yield "client", *header
    for client, some in all_files(capture):
        yield from ((client, *row) for row in islice(tables.files(some), 1, None))


def checksums(capture: CaptureRecord) -> Iterator[bytes]:
    """
    Yield lines that `sha256sum --check` reads, one for each finished file whose SHA-256 is known.
    """
    for _, some in all_files(capture):
        entries = [one.entry for one in some]
        lines = [_checked(one.sha256, one.name) for one in entries if one.sha256 is not None]
        yield "".join(lines).encode()


def _checked(sha256: str, name: str) -> str:
    """Return such a line; what would end it, or begin an escape, is escaped as there."""
    told = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if told == name else chr(92)}{sha256}  {told}\n"


def _of_account(table: Callable[[Record], Rows]) -> Callable[[CaptureRecord], Rows]:
    """Return a table of a capture that its account fills."""

    def rows(capture: CaptureRecord) -> Rows:
        account = account_of(capture)
        yield from table(Record() if account is None else account.subject.record)

    return rows


TABLES: Mapping[str, Callable[[CaptureRecord], Rows]] = {
    "files": files,
    "gaps": _of_account(tables.gaps),
    "keywords": _of_account(tables.keywords),
}
"""The tables by name: from a capture to the rows, the header first."""


def as_csv(rows: Rows) -> Iterator[bytes]:
    """Yield rows as CSV."""
    while some := list(islice(rows, AT_ONCE)):
        text = io.StringIO()
        tables.write(some, text)
        yield text.getvalue().encode()


def as_json(rows: Rows) -> Iterator[bytes]:
    """Yield rows as a JSON list of objects, whose members are those of the header."""
    header = [str(name) for name in next(rows)]
    before = b"["
    while some := list(islice(rows, AT_ONCE)):
        objects = (msgspec.json.encode(dict(zip(header, row, strict=True))) for row in some)
        yield before + b",\n".join(objects)
        before = b",\n"
    yield b"]\n" if before != b"[" else b"[]\n"


FORMATS: Mapping[str, tuple[Callable[[Rows], Iterator[bytes]], str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "json": (as_json, "application/json"),
}
"""How tables are written, and what a browser is told that they are."""


def whole(account: CaptureAccount) -> bytes:
    """Return the account as one JSON object, as `tcc-account --json` prints it."""
    return msgspec.json.encode(document(account.subject)) + b"\n"
