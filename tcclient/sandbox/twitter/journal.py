"""A record of every post handed to a transport.  Knows its file; nothing about posts but a note."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from twisted.internet.interfaces import IDelayedCall, IReactorTime

FLUSH_AFTER = 0.1  # seconds a line may wait in memory


class Journal:
    """
    A file with one line for each post: `<unix seconds>.<microseconds> <connection> <id>`, and
    for a post of v2's search stream ` <rule id>[:<tag>],...` of all rules it matched, the tags
    percent-encoded, `-` for no rule.  What is no post is a line of `# ` and a JSON object.

    A line is in the file at most FLUSH_AFTER seconds after it was noted, and after close().
    """

    def __init__(self, path: Path, clock: IReactorTime) -> None:
        self._clock = clock
        self._file: BinaryIO = path.open("ab")
        self._flush: IDelayedCall | None = None

    def note(self, connection: int, posts: Iterable[object]) -> None:
        """Write a line for each of `posts`, ids or more, just sent on `connection`."""
        head = f"{self._clock.seconds():.6f} {connection} "
        self._write("".join([f"{head}{post}\n" for post in posts]))

    def remark(self, event: Mapping[str, object]) -> None:
        """Write a line that is about no post."""
        whole = {"time": self._clock.seconds(), **event}
        self._write(f"# {json.dumps(whole, ensure_ascii=False)}\n")

    def _write(self, lines: str) -> None:
        self._file.write(lines.encode())
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
