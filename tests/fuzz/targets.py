"""
The places where bytes come in that somebody else has made, each a function of bytes.

A target raises AssertionError where what it promises does not hold; no other exception escapes.
"""

import gzip
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tcclient.config.settings import SettingsError, load
from tcclient.control.answers import Gone, ServerError
from tcclient.control.client import ControlServer
from tcclient.control.exchange import ServerExchange
from tcclient.control.jobs import Job, Status
from tcclient.ledger.counters import CountUpdate
from tcclient.ledger.endings import Ending
from tcclient.ledger.ledgerfile import Ledger
from tcclient.runtime.secrets import Secret
from tcclient.sources.registry import post_ids
from tcclient.sources.twitter_v1.messages import kind_of
from tcclient.sources.twitter_v1.query import Limits, Query, read
from tcclient.sources.twitter_v2 import envelopes
from tcclient.sources.twitter_v2.rules import clauses as rules
from tcclient.storage.recovery import ledger_path, recover
from tcclient.storage.slots import Naming
from tcclient.stream.capturestream import CaptureStream
from tcclient.stream.framing import Overlong, decoded, excerpt, refuse_constant
from tcclient.stream.streamapi import StreamListener
from tests.peers import DONE, FakeApi, FakeResponse, clock_at, upstream

FEW = Limits(phrases=3, phrase_bytes=60, boxes=2, box_degrees=(0.1, 360.0))
RULE_LENGTH = 128
STATUSES = (200, 201, 204, 301, 400, 403, 404, 405, 500, 503)
JOB = Job(7, "test", Status.STARTED, "obama", 1000, None, False, None)
TMP = "test20151202_2030.json.tmp"


class Ear(StreamListener):
    """Keeps the messages of a stream."""

    def __init__(self) -> None:
        self.messages: list[bytes | Overlong] = []

    def opened(self) -> None:
        """Pass over it."""

    def heard(self) -> None:
        """Pass over it."""

    def received(self, messages: list[bytes | Overlong]) -> None:
        """Keep the messages."""
        self.messages += messages

    def ended(self, ending: Ending) -> None:
        """Pass over it."""


def stream(data: bytes) -> None:
    """
    A stream's messages are the lines of its body, whatever the segmentation, compressed or not.
    The first byte chooses the coding, the next seven the sizes of segments.
    """
    how, body = data[:8].ljust(8, b"\x07"), data[8:]
    api, clock, ear = FakeApi(), clock_at(), Ear()
    service = CaptureStream(upstream(api, clock), Query(("cats",)), ear)
    service.startService()
    peer = api.peer.answers(coding="gzip" if how[0] % 2 else "")
    rest, turn = gzip.compress(body, 1) if how[0] % 2 else body, 0
    while rest:
        turn = turn % 7 + 1
        size = 1 + how[turn] ** 2
        peer.says(rest[:size])
        rest = rest[size:]
    clock.advance(1)
    service.stopService()
    lines = (line.removesuffix(b"\r") for line in body.split(b"\n")[:-1])
    assert ear.messages == [line for line in lines if line]


def corrupt(data: bytes) -> None:
    """A stream of which nothing is as it should be ends, and nothing else."""
    api, clock = FakeApi(), clock_at()
    service = CaptureStream(upstream(api, clock), Query(("cats",)), Ear())
    service.startService()
    peer = api.peer.answers(coding="gzip")
    peer.says(data[: len(data) // 2])
    peer.says(data[len(data) // 2 :])
    service.stopService()


def message(line: bytes) -> None:
    """
    Each line is of some kind, for v1.1 and for v2, where a post that is known by its ends is what
    a full parse makes of it; what is quoted of it can be written down.
    """
    kind_of(line)
    found = envelopes.read(line)
    if _is_sound(line):
        assert found == envelopes.read_whole(line)
    json.dumps([decoded(line), excerpt(line)], allow_nan=False)


def _is_sound(line: bytes) -> bool:
    """Return whether a line is JSON in which no object names a member twice."""

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError
        return found

    try:
        json.loads(line.decode(), object_pairs_hook=members, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def settings(content: bytes) -> None:
    """A file loads, or one printable sentence says why not."""
    with _folder() as folder:
        path = folder / "settings.json"
        path.write_bytes(content)
        try:
            load(path, {"A": "b"})
        except SettingsError as error:
            assert str(error).isprintable(), str(error)


class Says:
    """An HTTP client to which every request gets the same answer."""

    def __init__(self, status: int, body: bytes) -> None:
        self._status = status
        self._body = body

    def request(self, method: str, url: object, **how: object) -> Deferred[IResponse]:
        """Give the same answer to any request."""
        response = _Whole(self._status, Headers())
        response.body = self._body
        return succeed(cast(IResponse, response))


class _Whole(FakeResponse):
    body = b""

    def deliverBody(self, protocol: IProtocol) -> None:
        """All of it, at once."""
        super().deliverBody(protocol)
        cast(Any, protocol).dataReceived(self.body)
        self.transport.ends(DONE)


def answer(data: bytes) -> None:
    """
    Any answer of the server to any request is understood, or is an error of the server.  The first
    byte chooses the status, the rest is the body.
    """
    status, body = STATUSES[data[0] % len(STATUSES)] if data else 200, data[1:]
    client = cast(Any, Says(status, body))
    server = ControlServer(
        ServerExchange(client, "http://x/api/", Secret("t" * 40), "test", Clock(), Clock().seconds)
    )
    for call in (
        server.active_jobs(),
        server.job(7),
        server.report(JOB, 5, "1.000"),
        server.set_status(JOB, Status.STARTED),
        server.update(7, CountUpdate(1, 2, "0.500", 2)),
    ):
        outcome: list[object] = []
        Deferred.fromCoroutine(call).addBoth(outcome.append)
        [result] = outcome
        if isinstance(result, Failure) and not result.check(ServerError, Gone):
            result.raiseException()


def keywords(data: bytes) -> None:
    """Any text is read, for either API, and what is asked for keeps the limits."""
    try:
        text = data.decode("utf-8", "surrogatepass")  # JSON can have half a character
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    reading = read(text, FEW)
    query = reading.query or Query()
    assert len(query.track) <= FEW.phrases and len(query.locations) <= FEW.boxes
    assert all(1 <= len(phrase.encode()) <= FEW.phrase_bytes for phrase in query.track)
    found, _ = rules.clauses(text, RULE_LENGTH)
    assert all(rules.length(rule) <= RULE_LENGTH for rule in rules.pack(found, RULE_LENGTH))


def recovery(content: bytes) -> None:
    """
    Of whatever a crash has left every byte is kept: up to the last newline in the finished file,
    the rest beside it.
    """
    with _folder() as base:
        folder = base / "test"
        folder.mkdir()
        (folder / TMP).write_bytes(content)
        with Ledger(ledger_path(base, "test"), Clock().seconds) as ledger:
            recover(folder, Naming("test", utc=True), ledger, post_ids())
        kept = {path.suffix: path.read_bytes() for path in folder.iterdir()}
        whole = content[: content.rfind(b"\n") + 1]
        assert kept.get(".json", b"") == whole
        assert kept.get(".torn", b"") == content[len(whole) :]
        assert set(kept) <= {".json", ".torn", ".jsonl", ".state"}


@contextmanager
def _folder() -> Iterator[Path]:
    """One that is gone afterwards; in memory, where the system has a place there."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="tcc-fuzz-", dir=memory if memory.is_dir() else None)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (stream, corrupt, message, settings, answer, keywords, recovery)
}
