"""A record of every post handed to a transport.  Knows its file; nothing about posts but a note."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from twisted.internet.interfaces import IReactorTime


class Journal:
    """
    A file with one line for each post: `<unix seconds>.<microseconds> <connection> <id>`, and
    for a post of v2's search stream ` <rule id>[:<tag>],...` of all rules it matched, the tags
    percent-encoded, `-` for no rule.  What is no post is a line of `# ` and a JSON object.

    Nothing waits in memory: a post can have left only when its line is in the file, so that the
    record is whole even where the simulator is killed.
    """

    def __init__(self, path: Path, clock: IReactorTime) -> None:
        self._clock = clock
        self._file = path.open("ab", buffering=0)

    def note(self, connection: int, posts: Iterable[object]) -> None:
        """Write a line for each of `posts`, ids or more, just sent on `connection`."""
        head = f"{self._clock.seconds():.6f} {connection} "
        self._file.write("".join([f"{head}{post}\n" for post in posts]).encode())

    def remark(self, event: Mapping[str, object]) -> None:
        """Write a line that is about no post."""
        whole = {"time": self._clock.seconds(), **event}
        self._file.write(f"# {json.dumps(whole, ensure_ascii=False)}\n".encode())

    def close(self) -> None:
        """Nothing more is written; a second call does nothing."""
        self._file.close()
