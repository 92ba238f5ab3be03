"""
What the generator has prepared, who may have it, and what it is told to do with it.

Knows commands and bodies; nothing of HTTP.
"""

import argparse
import json
import queue
import socket
import threading
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bodies import Body, Framing, Live, Recording
from benchmarks.framing import delimited
from benchmarks.posts import v1_posts, v2_posts
from benchmarks.rules import Rules
from benchmarks.sending import flat_out, idle, paced


def tell(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


class Stage:
    """What all connections share; `commands` are for whoever has the stream."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.rules = Rules(options.tag)
        self.framing = Framing(options.chunks, options.gzip)
        self._wanted = threading.Event()
        self._door = threading.Lock()
        self.commands: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        self._options = options
        self._expected = (0, False)
        self._recordings: dict[tuple[int, bool], Recording] = {}

    def expect(self, posts: int, *, live: bool) -> None:
        """Prepare so many posts for the next one who asks for the stream."""
        self._expected = (posts, live)
        self.body_for("")
        self._wanted.set()

    def admits(self) -> bool:
        """Whether whoever asks for the stream now is the one who is expected."""
        with self._door:
            wanted = self._wanted.is_set()
            self._wanted.clear()
            return wanted

    def body_for(self, query: str) -> Body:
        """What whoever asks with this query gets."""
        posts, live = self._expected
        if live:
            return Live(self._written(posts), self.framing)
        key = (posts, "delimited=length" in query)
        if key not in self._recordings:
            written = self._written(posts)
            self._recordings[key] = Recording(
                delimited(written) if key[1] else written, self.framing
            )
        return self._recordings[key]

    def send_to(self, peer: socket.socket, body: Body) -> None:
        """Do as is commanded, until the end."""
        sent_at: array[float] = array("d")
        while (command := self.commands.get())[0] != "end":
            rate = float(command[1])
            began = time.monotonic()
            if command[0] == "idle":
                idle(peer, rate)
            elif rate:
                sent_at = paced(body, peer, rate)
            elif isinstance(body, Recording):
                flat_out(body, peer)
            tell("sent", began=began, seconds=time.monotonic() - began)
        if command[1] != "-":
            Path(command[1]).write_bytes(sent_at.tobytes())
        tell("ended")
        peer.sendall(body.rest)

    def _written(self, count: int) -> Iterator[bytes]:
        options = self._options
        return v1_posts(count) if options.api == "v1.1" else v2_posts(count, options.tag)
