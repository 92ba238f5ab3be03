"""A record of every post handed to a transport.  Knows its file; nothing about posts but ids."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from twisted.internet.interfaces import IDelayedCall, IReactorTime

FLUSH_AFTER = 0.1  # seconds a line may wait in memory


class Journal:
    """
    A file with one line for each post: `<unix seconds>.<microseconds> <connection> <id>`.

    A line is in the file at most FLUSH_AFTER seconds after it was noted, and after close().
    """

    def __init__(self, path: Path, clock: IReactorTime) -> None:
        self._clock = clock
        self._file: BinaryIO = path.open("ab")
        self._flush: IDelayedCall | None = None

    def note(self, connection: int, ids: Iterable[int]) -> None:
        """Write a line for each of `ids`, just sent on `connection`."""
        head = b"%.6f %d " % (self._clock.seconds(), connection)
        self._file.write(b"".join([b"%b%d\n" % (head, post_id) for post_id in ids]))
        if self._flush is None:
            self._flush = self._clock.callLater(FLUSH_AFTER, self._flush_now)

    def close(self) -> None:
        """Flush and close; a second call does nothing."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        self._file.close()

    def _flush_now(self) -> None:
        self._flush = None
        self._file.flush()
