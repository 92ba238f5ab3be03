"""
Capture clients of a whole fleet in one process, lean enough that the server is what is measured.

Knows HTTP/1.1 and what a client asks in its daily life; knows no database.
"""

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

import attrs

POLL = "GET activejobs/"
REPORT = "PATCH activejobs/<id>/"
STATE = "PUT state/"
UPDATE = "POST update/"
HOST = "PUT host/"
LEDGER = "PUT ledger/<id>/"
KINDS = (POLL, REPORT, STATE, UPDATE, HOST, LEDGER)
POLLS_TO_UPDATE = 3
"""Polls from one update to the next, and from one word on the host: 10 s and 30 s by default."""
POLLS_TO_LEDGER = 6
TIMEOUT = 10.0
"""Seconds that a client waits for an answer, as the real one does."""


@attrs.frozen
class Member:
    """One client of the fleet: its token, and the capture that it has."""

    token: str
    capture: int


@attrs.define
class Tally:
    """
    What the fleet saw: seconds of each answer by kind of request, and what went wrong.

    `counts` and `ledgers` are posts and bytes of ledger that the server has said to have taken;
    `unsure` are requests without an answer, which it may have taken or not.
    """

    seconds: dict[str, list[float]] = attrs.Factory(lambda: defaultdict(list))
    errors: list[str] = attrs.Factory(list)
    counts: int = 0
    ledgers: int = 0
    unsure: int = 0


@attrs.define
class Connection:
    """A client's connection, made when it is needed; not kept over requests if `close` is set."""

    port: int
    token: str
    close: bool = False
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Return status and body of the answer.  Raises OSError, EOFError and TimeoutError."""
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._exchange(method, target, body)
        except BaseException:
            self.hang_up()
            raise

    def hang_up(self) -> None:
        """Close it, if it is open."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._streams
        writer.write(self._head(method, target, body) + (body or b""))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        _, length, rest = head.partition(b"\r\ncontent-length:")
        answer = await reader.readexactly(int(rest.split(b"\r\n", 1)[0])) if length else b""
        if self.close or b"\r\nconnection: close" in head:
            self.hang_up()
        return int(head[9:12]), answer

    def _head(self, method: str, target: str, body: bytes | None) -> bytes:
        """Return a request's head, with the headers that the client sends."""
        of_body = f"Content-Length: {len(body)}\r\n" if body is not None else ""
        if body is not None:
            of_body += (
                f"Content-Type: {'application/json' if body[:1] in b'[{' else 'text/plain'}\r\n"
            )
        return (
            f"{method} /api/{target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Token {self.token}\r\nAccept: application/json\r\n"
            f"User-Agent: tcc/fleet\r\n{of_body}"
            f"Connection: {'close' if self.close else 'keep-alive'}\r\n\r\n"
        ).encode()


class FleetClient:
    """One client, which polls every `every` seconds, from a moment of its own on."""

    def __init__(self, number: int, member: Member, connection: Connection, tally: Tally) -> None:
        self._number = number
        self._capture = member.capture
        self._connection = connection
        self._tally = tally
        self._total = 0
        self._ledger = f"fleet{number}"
        self._held = 0

    async def run(self, every: float, until: float) -> None:
        """Live until a moment of the monotonic clock."""
        due = time.monotonic() + random.Random(self._number).random() * every
        turn = self._number
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self._poll(due)
            if turn % POLLS_TO_UPDATE == 0:
                await self._update()
            if turn % POLLS_TO_LEDGER == 1:
                await self._append()
            turn += 1
            due = max(due + every, time.monotonic())
        self._connection.hang_up()

    async def _poll(self, due: float) -> None:
        """Ask what is wanted, and say how it goes; a late start is part of the time it takes."""
        await self._ask(POLL, "activejobs/?limit=1000&offset=0", began=due)
        self._total += 150
        now = datetime.now(UTC).isoformat()
        report = {"total_count": self._total, "rate": "15.000", "ping_date": now}
        await self._ask(REPORT, f"activejobs/{self._capture}/", report)
        state = {"job": self._capture, "condition": "open", "revision": 1, "since": now}
        await self._ask(
            STATE, "state/", [{**state, "total": self._total, "rate": 15.0, "lag": 0.1}]
        )

    async def _update(self) -> None:
        """Add to the capture's history; tell of the machine."""
        count = 150 * POLLS_TO_UPDATE
        update = {"job": self._capture, "count": count, "total_count": self._total}
        if await self._ask(UPDATE, "update/", {**update, "rate": "15.000"}):
            self._tally.counts += count
        host = {"version": "2.0.0", "host": f"host{self._number}", "disk_free": 10**11}
        await self._ask(HOST, "host/", {**host, "disk_size": 10**12, "memory": 10**8, "cpu": 0.1})

    async def _append(self) -> None:
        """Send what the ledger has more since the last time: some 300 bytes a minute."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines: list[dict[str, object]] = [{"at": at, "kind": "tally", "job": self._capture}]
        lines[0] |= {"stored": self._total, "settled": self._total, "sent": self._total}
        if not self._held:
            lines.insert(0, {"at": at, "kind": "ledger_begin", "ledger": self._ledger})
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        target = f"ledger/{self._ledger}/?offset={self._held}&job={self._capture}"
        if await self._ask(LEDGER, target, data):
            self._held += len(data)
            self._tally.ledgers += len(data)

    async def _ask(
        self, kind: str, target: str, content: object = None, began: float | None = None
    ) -> bool:
        """Return whether it was accepted, and tally how long it took."""
        body = content if content is None or isinstance(content, bytes) else _json(content)
        began = time.monotonic() if began is None else began
        try:
            status, answer = await self._connection.ask(kind.split()[0], target, body)
        except (OSError, EOFError) as e:
            self._tally.unsure += 1
            self._tally.errors.append(f"{kind}: {type(e).__name__} {e}")
            return False
        self._tally.seconds[kind].append(time.monotonic() - began)
        if status >= 300:
            self._tally.errors.append(f"{kind}: {status} {answer[:200]!r}")
        return status < 300


async def live(
    members: Sequence[Member], port: int, every: float, until: float, close: bool
) -> Tally:
    """Have all members live until a moment of the monotonic clock; return what they saw."""
    tally = Tally()
    clients = [
        FleetClient(number, member, Connection(port, member.token, close), tally)
        for number, member in enumerate(members)
    ]
    await asyncio.gather(*(client.run(every, until) for client in clients))
    return tally


def _json(content: object) -> bytes:
    return json.dumps(content).encode()
