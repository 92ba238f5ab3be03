"""
Finds ids that are in many files more than once, in bounded memory.  Knows ids; reads no data file.

Each id goes into one of 128 temporary files, which are sorted one after the other.  An id takes 12
bytes there: 100 million posts take 1.2 GB of disk, where `tempfile` puts it, and memory for a 128th
of them, about 70 MB (measured).
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from struct import Struct
from tempfile import TemporaryFile
from typing import IO

import attrs

BUCKETS = 1 << 7
"""Number of temporary files."""
_RECORD = Struct(">QI")
"""An id and the number of its file: the bytes are in the order of ids, and then of files."""
_NO_NUMBER = 1 << 63
"""The bit that is set in the hash of an id that is no number."""
_MASK = (1 << 64) - 1
_SPREAD = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio: spreads ids, whose low bits are nearly always the same."""


@attrs.define
class Twice:
    """
    Ids that two files both have, or one has more than once, if `first` is `second`: how many, and
    the lowest of those that are numbers, None if none is.
    """

    first: int
    second: int
    ids: int
    lowest: int | None


class Identities:
    """
    The ids in files, which are known by numbers from 0.  Use it as a context: the temporary files,
    which have no names, are gone when it is left.  At most `held` bytes for each wait in memory.
    All methods raise OSError.
    """

    def __init__(self, held: int = 1 << 16) -> None:
        self._most = held
        self._stack = ExitStack()
        self._held = [bytearray() for _ in range(BUCKETS)]
        self._files: list[IO[bytes] | None] = [None] * BUCKETS

    def take(self, identity: str, file: int) -> None:
        """Take an id, and the number of the file that it is in."""
        key = _key(identity)
        bucket = (key * _SPREAD & _MASK) >> 57
        held = self._held[bucket]
        held += _RECORD.pack(key, file)
        if len(held) >= self._most:
            self._spill(bucket)

    def twice(self) -> list[Twice]:
        """Return what is more than once in a file, or in two, in order of the files' numbers."""
        found: dict[tuple[int, int], Twice] = {}
        for bucket in range(BUCKETS):
            for key, first, second in _repeated(sorted(self.records(bucket))):
                pair = found.setdefault((first, second), Twice(first, second, 0, None))
                pair.ids += 1
                if key < _NO_NUMBER:
                    pair.lowest = key if pair.lowest is None else min(key, pair.lowest)
        return [found[pair] for pair in sorted(found)]

    def records(self, bucket: int) -> Iterator[bytes]:
        """Yield the records for one temporary file, 12 bytes each; all are in memory meanwhile."""
        file = self._files[bucket]
        spilled = b""
        if file is not None:
            file.seek(0)
            spilled = file.read()
        for block in (spilled, bytes(self._held[bucket])):
            for begin in range(0, len(block), _RECORD.size):
                yield block[begin : begin + _RECORD.size]

    def __enter__(self) -> "Identities":
        """Return this object."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the temporary files, which removes them."""
        self._stack.close()

    def _spill(self, bucket: int) -> None:
        """Write to a temporary file what waits in memory for it."""
        file = self._files[bucket]
        if file is None:
            file = TemporaryFile()  # noqa: SIM115  # the stack closes it
            self._files[bucket] = self._stack.enter_context(file)
        file.write(self._held[bucket])
        self._held[bucket].clear()


def _key(identity: str) -> int:
    """Return the id itself; for one that is no number of 63 bits a hash, which is above them."""
    if identity.isdecimal() and identity.isascii() and len(identity) < 20:
        key = int(identity)
        if key < _NO_NUMBER and str(key) == identity:
            return key
    digest = hashlib.blake2b(identity.encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") | _NO_NUMBER


def _repeated(records: list[bytes]) -> Iterator[tuple[int, int, int]]:
    """
    Yield (id, file before, file) for each record whose id is that of the record before; the records
    are sorted.
    """
    before, last = -1, 0
    for record in records:
        key, file = _RECORD.unpack(record)
        if key == before:
            yield key, last, file
        before, last = key, file
