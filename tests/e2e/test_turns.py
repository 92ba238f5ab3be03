"""However much comes at once, no turn of the client's reactor takes long, and SIGTERM is served."""

import signal
import zlib
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor as _reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from tests.e2e import turns
from tests.e2e.processes import Running, python, until
from tests.e2e.stand import ARGUMENTS, Stand
from tests.ledger.told import told
from tests.marks import Need, needs

reactor = cast(Any, _reactor)

MIB = 1 << 20
FILE = "turns"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n"
POST = b'{"id": 5, "id_str": "5", "text": "storm", "user": {"id": 1}}\r\n'


def words(number: int, what: str) -> str:
    """A keyword text of so many terms."""
    return ",".join(f"{what}{n}" for n in range(number))


def blank_lines() -> bytes:
    """A stream in gzip: 300 MiB of blank lines, and a post behind them."""
    packer = zlib.compressobj(9, wbits=31)
    line = b"\r\n" * (MIB // 2)
    packed = [packer.compress(line) for _ in range(300)]
    return HEAD + b"".join(packed) + packer.compress(POST) + packer.flush(zlib.Z_SYNC_FLUSH)


class Answering(Protocol):
    """Answers a request with `answer`, and keeps the connection."""

    answer = b""

    def dataReceived(self, data: bytes) -> None:
        """Answer."""
        self.transport.write(self.answer)


@needs(Need.PROCESSES)
class TurnTests(TestCase):
    timeout = 120

    def setUp(self) -> None:
        self.stand = Stand(Path(self.mktemp()).absolute())
        self.addCleanup(self.stand.end)
        self.command = python(turns.__file__, FILE, *ARGUMENTS)

    def answering(self, answer: bytes | str) -> str:
        """The address of a server that answers each request with this."""
        answer = answer.encode() if isinstance(answer, str) else answer
        serving = Factory.forProtocol(type("Answers", (Answering,), {"answer": answer}))
        port = reactor.listenTCP(0, serving, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return f"http://127.0.0.1:{port.getHost().port}/"

    async def ends(self, client: Running) -> None:
        """It stops in order, and none of its turns was long."""
        ended = await client.end(signal.SIGTERM)
        self.assertIn("tcc has stopped; all files are finished.", ended.out)
        self.assertLess(turns.longest(self.stand.folder / FILE), turns.LONGEST)

    async def test_jobs_that_cannot_be_read(self) -> None:
        """As many as an answer holds: one line says how many, and the signal is served."""
        number = 110_000
        rows = ",".join(['{"id": 1}'] * number)
        body = f'{{"count": {number}, "next": null, "previous": null, "results": [{rows}]}}'
        told = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self.stand.settings(server={"base_url": self.answering(f"{told}\r\n\r\n{body}") + "api/"})
        client = self.stand.client(self.command)
        said = f"{number} jobs that cannot be read"  # after some seconds of CPU time
        await until(lambda: said in client.out or client.check(), f"{said!r}", 100)
        await self.ends(client)
        self.assertLess(len(client.out), 10_000)

    async def test_blank_lines(self) -> None:
        """300 MiB of them in 300 kB; the post behind them is stored."""
        self.stand.settings(twitter={"stream_url": self.answering(blank_lines()) + "1.1/"})
        await self.ends(await self.stand.captures(self.command))
        [path] = self.stand.data.glob("storm*.json")
        self.assertEqual(path.read_bytes(), POST.rstrip() + b"\n")

    async def test_long_keywords(self) -> None:
        """1 MB of them is refused with a sentence, on either API."""
        text = words(130_000, "w")
        for api in ("1.1", "2"):
            self.stand.settings(api)
            client = await self.stand.captures(self.command)
            self.stand.server.store.rekey(1, text)
            await client.says(f"the keyword text has {len(text)} characters")
            await self.ends(client)
            self.stand.server.store.rekey(1, "storm, green tea")

    async def test_many_terms(self) -> None:
        """10,000 are edited on v1.1, which takes 400 of them."""
        await self.edits("1.1")

    async def test_many_terms_of_v2(self) -> None:
        """10,000 are edited on v2, which has 174 rules for them."""
        await self.edits("2")

    async def edits(self, api: str) -> None:
        """While posts come their keywords become 10,000 terms, and then 10,000 others."""
        self.stand.settings(api)
        client = await self.stand.captures(self.command)
        for text in (words(10_000, "w"), words(10_000, "x")):
            self.stand.server.store.rekey(1, text)
            await until(lambda text=text: self.in_force() == text, "keywords in force")
            stored = self.stored()
            await until(lambda stored=stored: self.stored() > stored, "more posts")
        await self.ends(client)

    def in_force(self) -> str | None:
        """The keywords that are in force by the ledger."""
        lines = told(self.stand.data / "storm.ledger.jsonl")
        texts = [line["text"] for line in lines if line["kind"] == "keywords_in_force"]
        return texts[-1] if texts else None

    def stored(self) -> int:
        """Bytes of posts on the disk, in files of each name once."""
        paths = self.stand.data.glob("storm*.json*")
        return sum({path.stem: path.stat().st_size for path in paths}.values())
