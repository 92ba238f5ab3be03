"""A record of every post handed to a transport.  Knows its file; knows posts by their notes."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from twisted.internet.interfaces import IReactorTime


class Journal:
    """
    A file with one line for each post sent: `<unix seconds>.<microseconds> <connection> <id>`.

    For a post of v2's search stream ` <rule id>[:<tag>],...` follows, with all rules that it
    matched and their tags percent-encoded, or ` -` for no rule.  An event that is no post is a
    line of `# ` and a JSON object.

    Nothing waits in memory: a line is in the file before its post can leave, so that the record
    is whole even where the simulator is killed.
    """

    def __init__(self, path: Path, clock: IReactorTime) -> None:
        self._clock = clock
        self._file = path.open("ab", buffering=0)

    def note(self, connection: int, posts: Iterable[object]) -> None:
        """Write a line for each of `posts`, which are ids or longer notes, sent on `connection`."""
        head = f"{self._clock.seconds():.6f} {connection} "
        self._file.write("".join([f"{head}{post}\n" for post in posts]).encode())

    def remark(self, event: Mapping[str, object]) -> None:
        """Write a line about an event that is no post."""
        whole = {"time": self._clock.seconds(), **event}
        self._file.write(f"# {json.dumps(whole, ensure_ascii=False)}\n".encode())

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()
