"""
Which posts were stored last in a capture's folder: their ids, from the ends of its newest files.

Knows from the ledger which files these are.  Only reads, and may do so beside everything else.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec

from tcclient.runtime.backwards import lines_backwards
from tcclient.storage.postids import PostIds, id_or_none

MOST_BYTES = 512 << 20
"""Of posts that are read: some 130,000 of 4 kB."""

STRAYS = 100
"""So many posts in a row have to be too old: one that came late says nothing of those before it."""

_LOOK_BACK = 10_000
"""Lines of the ledger in which files are looked for."""


class _Line(msgspec.Struct):
    kind: str
    name: str | None = None


_decoder = msgspec.json.Decoder(_Line)


def stored_lately(
    ledger: Path, ids: PostIds, seconds: float, most_bytes: int = MOST_BYTES
) -> list[str]:
    """
    The ids of all posts that were made in the `seconds` before the newest one and are in finished
    files, and of some that are older; the one stored last is the last.  Of more than `most_bytes`
    of posts only the newest are read.  What cannot be read, as a file that was taken away, is
    passed over.
    """
    found: list[str] = []
    newest, strays = 0.0, 0
    for identity in _newest_first(ledger, ids, most_bytes):
        found.append(identity)
        made = ids.made_at(identity) or 0.0
        newest = max(newest, made)
        strays = strays + 1 if made < newest - seconds else 0
        if strays == STRAYS:
            break
    return found[::-1]


def _newest_first(ledger: Path, ids: PostIds, most_bytes: int) -> Iterator[str]:
    for path in _files(ledger):
        for line in _lines(path):
            most_bytes -= len(line)
            if most_bytes < 0:
                return
            identity = id_or_none(ids, line)
            if identity is not None:
                yield identity


def _files(ledger: Path) -> Iterator[Path]:
    for raw in islice(_lines(ledger), _LOOK_BACK):
        with suppress(ValueError):
            line = _decoder.decode(raw)
            if line.kind == "file" and line.name is not None:
                yield ledger.with_name(line.name)


def _lines(path: Path) -> Iterator[bytes]:
    with suppress(OSError), path.open("rb") as file:
        yield from lines_backwards(file.fileno())
