"""
Reads a whole ledger, the files of earlier months included, from either end.

Knows which files it has, and how a line is found in them; does not know what lines say.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from tcclient.ledger.lines import AnyLine, CutLine, LedgerLine, UnreadableLine, line, too_long
from tcclient.ledger.segments import files
from tcclient.ledger.vocabulary import COMMON, Vocabulary
from tcclient.runtime.backwards import MOST_BYTES, lines_backwards, texts_backwards


def lines(
    path: Path, vocabulary: Vocabulary, offset: int = 0, number: int = 0
) -> Iterator[AnyLine]:
    """
    Yield each line of the ledger whose lines are appended to the file at `path`, or those behind
    the first `offset` bytes of its life, which are `number` lines.  Raises OSError; no content
    raises anything.
    """
    for file in files(path):
        skipped = min(offset, file.stat().st_size)
        offset -= skipped
        for one in lines_of(file, vocabulary, skipped, number):
            number = one.number
            yield one


def lines_of(
    file: Path, vocabulary: Vocabulary, offset: int = 0, number: int = 0
) -> Iterator[AnyLine]:
    """Yield the lines of one file of a ledger, as lines() does those of all."""
    with file.open("rb") as content:
        content.seek(offset)
        for raw, length in _lines(content):
            number += 1
            if raw is None:
                yield too_long(number, length)
            elif raw.endswith(b"\n"):
                yield line(number, raw, vocabulary)
            else:
                yield CutLine(number, length)


def _lines(content: BinaryIO) -> Iterator[tuple[bytes | None, int]]:
    """
    Yield each line with its size; None for one that is too long to be held in memory, nothing of it
    if it has no end yet.
    """
    while raw := content.readline(MOST_BYTES):
        if len(raw) < MOST_BYTES or raw.endswith(b"\n"):
            yield raw, len(raw)
            continue
        length = len(raw)
        while not raw.endswith(b"\n") and (raw := content.readline(MOST_BYTES)):
            length += len(raw)
        yield None if raw.endswith(b"\n") else b"", length


def raw_newest_first(path: Path, *words: bytes) -> Iterator[bytes]:
    """
    Yield the lines of the ledger from the last one backwards, as they are; where there are `words`,
    only those that have one of them.  Of a file that cannot be read there are none.
    """
    for fd in _newest_files(path):
        with suppress(OSError):
            yield from lines_backwards(fd, *words)


def texts_newest_first(path: Path) -> Iterator[bytes]:
    """Yield the lines as raw_newest_first() does, in texts of one or several whole lines."""
    for fd in _newest_files(path):
        with suppress(OSError):
            yield from texts_backwards(fd)


def _newest_files(path: Path) -> Iterator[int]:
    """Yield the files of the ledger that can be opened, the newest first, while each is open."""
    with suppress(OSError):
        for file in reversed(files(path)):
            with suppress(OSError), file.open("rb") as content:
                yield content.fileno()


def newest_first(
    path: Path, *words: bytes, vocabulary: Vocabulary = COMMON
) -> Iterator[LedgerLine | UnreadableLine]:
    """Yield the lines as raw_newest_first() does, with what they say; the last has number -1."""
    for number, raw in enumerate(raw_newest_first(path, *words), 1):
        yield line(-number, raw, vocabulary)


def of_kind(kind: str) -> tuple[bytes, bytes]:
    """Return the words of which one is in each line of a kind, however its JSON is spaced."""
    return f'"kind": "{kind}"'.encode(), f'"kind":"{kind}"'.encode()
