"""What the answers of a hostile server cost, over real sockets, in a process of its own."""

import gzip
import json
import sys
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from tcclient.http.jsontext import MOST_BYTES
from tests.e2e.processes import environment
from tests.http import memory
from tests.marks import Need, needs

reactor: Any = _reactor

ROOM = 4096
"""Kilobytes that an answer may cost."""


def filled(begin: bytes, middle: bytes, end: bytes) -> bytes:
    """JSON of MOST_BYTES, or a little less: `middle` again and again."""
    return begin + middle * ((MOST_BYTES - len(begin + end)) // len(middle)) + end


ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"
REQUESTS = ("list of jobs", "job", "token", "rules", "connections", "usage")


def told(body: bytes, more: str = "") -> bytes:
    """An answer that tells its length."""
    return f"HTTP/1.1 200 OK\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


PLAIN = b"HTTP/1.1 200 OK\r\n"
ROWS = b'{"count":1,"results":['
LONGEST = '{"count":1,"results":[{"id":1,"keywords":"%s"}]}' % ("\U0001f600" * 100_000)
"""A job with as many keywords as are read; that it has no name is one of the list's problems."""
ANSWERS = {
    "nothing": told(b"{}"),
    "told": b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n",
    "endless": ENDLESS,
    "bomb": told(gzip.compress(bytes(64 << 20), 9, mtime=0), "Content-Encoding: gzip\r\n"),
    "text": told(filled(b'{"data":[{"id":"1","value":"', b"x", b'"}]}')),
    "wide": told(filled(b'{"data":"', b"x", '\U0001f600"}'.encode())),
    "surrogate": told(filled(b'{"data":"', b"x", b'\\ud83d\\ude00"}')),
    "objects": told(filled(b'{"data":[', b"{},", b"0]}")),
    "rows": told(filled(ROWS, b'{"id":1},', b"1]}")),
    "longest": told(LONGEST.encode()),
}
"""By name; two of them go on for as long as somebody reads."""
FINE = ("rows: list of jobs", "longest: list of jobs", "text: rules")
CASES = (
    *(f"{name}: {what}" for name in ("told", "endless", "bomb") for what in REQUESTS),
    *("text: job", "wide: job", "surrogate: job", "objects: job"),
    *FINE,
)


@implementer(IPushProducer)
class Hostile(Protocol):
    """Answers a request with what its path names."""

    def dataReceived(self, data: bytes) -> None:
        answer = ANSWERS[data.split(b"/", 2)[1].decode()]
        self.transport.write(answer)
        if answer in (ENDLESS, ANSWERS["told"]):
            self.transport.registerProducer(self, streaming=True)
            self.resumeProducing()
        else:
            self.transport.loseConnection()

    def resumeProducing(self) -> None:
        """Say more."""
        self.transport.write(b" " * (1 << 18))

    def pauseProducing(self) -> None:
        """What was said is under way."""

    def stopProducing(self) -> None:
        """Whoever asked has hung up."""


@needs(Need.PROCESSES)
class MemoryTests(TestCase):
    timeout = 60

    async def test_no_answer_costs_more_than_four_mebibytes(self) -> None:
        """Whatever is asked of whomever, and whatever comes."""
        port = reactor.listenTCP(0, Factory.forProtocol(Hostile), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        out, err, status = await getProcessOutputAndValue(
            sys.executable,
            ("-m", memory.__name__, f"http://127.0.0.1:{port.getHost().port}/", *CASES),
            env={**environment(), "MALLOC_MMAP_THRESHOLD_": "131072"},
        )
        self.assertEqual((status, err), (0, b""))
        costs: dict[str, tuple[int, str]] = json.loads(out)
        self.assertEqual({name: at for name, at in costs.items() if at[0] > ROOM}, {})
        self.assertEqual([name for name, (_, said) in costs.items() if not said], [*FINE])
