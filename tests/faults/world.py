"""
The client, both ends of the sandbox and the road between them, for one scenario.

Knows how to start, hurt and end each; knows nothing of what has to come out.
"""

import json
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import attrs
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.web.client import Agent

from tcclient.sandbox.server import TOKEN
from tcclient.sandbox.twitter import SANDBOX_CREDENTIALS
from tests.e2e.faketime import MachineClock
from tests.e2e.processes import Running, python, start, twistd, until
from tests.faults import evidence
from tests.faults.accounting import Evidence, Span, outside
from tests.faults.proxy import HOST, Proxy

JOB = "storm"
KEYWORDS = "storm, green tea"
RULE_DELAY = 0.5
PATIENCE = 30.0
"""Seconds until a fault must be over; the longest wait of the network ramp is 16 s."""


@attrs.frozen
class Terms:
    """What sort of world it is; `stall_timeout` and `min_free_bytes` are the client's."""

    api: str = "1.1"
    rate: float = 200.0
    stall_timeout: float = 2.0
    min_free_bytes: int = 0
    options: tuple[str, ...] = ()
    """Of the simulated Twitter's command line."""
    prepare: Callable[["World"], Awaitable[None]] | None = None
    """Called when all but the client is there."""


class World:
    """
    `random` decides when things happen; `recoveries` has the seconds until each fault was over.
    """

    def __init__(self, folder: Path, terms: Terms, seed: int = 1) -> None:
        self.folder = folder.absolute()
        self.data = self.folder / "data" / JOB
        self.terms = terms
        self.random = Random(seed)
        self.recoveries: list[float] = []
        self.running: dict[str, Running] = {}
        self.environ: dict[str, str] = {}  # the client's
        self.clock: MachineClock  # where it has one of its own
        self.prefix: list[str] = []  # of its command
        self.twitter_at = f"http://{HOST}"  # for the client
        self._cuts: list[Span] = []
        self._cut_at: float | None = None
        self._twitter_killed: list[float] = []
        self._ports: dict[str, int] = {}
        self._cleanups: list[Callable[[], Any]] = []
        self._http = HTTPClient(Agent(reactor))

    def addCleanup(self, act: Callable[[], Any]) -> None:
        """As a TestCase."""
        self._cleanups.append(act)

    async def begin(self) -> None:
        """All but the client is there when this returns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        await self.start("twitter")
        await self.start("server")
        self.proxy = Proxy(reactor, self._ports["twitter"])
        self.addCleanup(lambda: Deferred.fromCoroutine(self.proxy.stop()))
        self.proxy.listen()
        if self.terms.prepare is not None:
            await self.terms.prepare(self)
        self.write_settings()
        if self.terms.api == "2":
            plan = dict.fromkeys(("rule_changes", "rule_reads", "stream_connects"), 100_000)
            await self.twitter("fault", kind="plan", **plan)

    async def flow(self) -> None:
        """Start the client; returns when the first posts are on disk."""
        await self.start("client")
        await self.recovered()
        self.recoveries.clear()  # that was no fault

    async def end(self) -> None:
        """Nothing is left of it but the folder."""
        while self._cleanups:
            await self._cleanups.pop()()

    # Processes.

    async def start(self, what: str) -> None:
        """Start "twitter", "server" or "client"; the ends listen when this returns."""
        command = {"twitter": self._twitter, "server": self._server, "client": self._client}[what]()
        environ = self.environ if what == "client" else {}
        self.running[what] = process = start(self, self.folder, command, **environ)
        if what != "client":
            await process.says("\n")
            found = re.search(r"://[^/]*:(\d+)/", process.out)
            assert found is not None, process.out
            self._ports[what] = int(found[1])

    async def kill(self, what: str, number: int = signal.SIGKILL) -> None:
        """Send it a signal, and return when it has ended."""
        if what == "twitter":
            self._twitter_killed.append(reactor.seconds())
        await self.running[what].end(number)

    def _twitter(self) -> list[str]:
        return python(
            "-m", "tcclient.sandbox.twitter", f"--port={self._ports.get('twitter', 0)}",
            f"--rate={self.terms.rate:g}", "--scale=0.02", f"--rule-delay={RULE_DELAY / 0.02:g}",
            "--seed=1", "--journal=journal", *self.terms.options,
        )  # fmt: skip

    def _server(self) -> list[str]:
        return python(
            "-m", "tcclient.sandbox.server", f"--port={self._ports.get('server', 0)}",
            f"--job={JOB}:{KEYWORDS}", "--keep=jobs",
        )  # fmt: skip

    def _client(self) -> list[str]:
        return [*self.prefix, *twistd("-n", "--pidfile=", "tcc", "--config", "settings.json")]

    def write_settings(self) -> None:
        """The client's."""
        root = f"{self.twitter_at}:{self.proxy.number}/"
        document = {
            "server": {
                "base_url": f"{self._root('server')}api/",
                "client_id": 1,
                "auth_token": TOKEN,
                "ping_interval": 0.2,
                "update_interval": 0.5,
            },
            "twitter_auth": attrs.asdict(SANDBOX_CREDENTIALS),
            "twitter": {
                "api": self.terms.api,
                "stream_url": f"{root}1.1/",
                "api_url": root,
                "rule_delay": RULE_DELAY,
                "stall_timeout": self.terms.stall_timeout,
            },
            "output": {
                "base_dir": "data",
                "minute_interval": 1,
                "min_free_bytes": self.terms.min_free_bytes,
            },
        }
        (self.folder / "settings.json").write_text(json.dumps(document))

    # Controls.

    def _root(self, what: str) -> str:
        return f"http://{HOST}:{self._ports[what]}/"

    async def ask(self, method: str, url: str, body: bytes | None = None) -> Any:
        """The JSON in the answer to a researcher's request."""
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        response = await self._http.request(method, url, data=body, headers=headers, timeout=10)
        text = await response.text()
        if response.code != 200:
            raise AssertionError(f"{method} {url}: {response.code} {text}")
        return json.loads(text)

    async def twitter(self, control: str, body: bytes | None = None, **members: object) -> Any:
        """Have the simulated Twitter do something now."""
        data = json.dumps(members).encode() if body is None else body
        return await self.ask("POST", f"{self._root('twitter')}sandbox/{control}", data)

    async def server(self, control: str, **members: object) -> Any:
        """Have the stand-in server do something."""
        data = json.dumps(members).encode()
        return await self.ask("POST", f"{self._root('server')}sandbox/{control}", data)

    async def state(self, what: str) -> Any:
        """What an end of the sandbox tells about itself."""
        return await self.ask("GET", f"{self._root(what)}sandbox/state")

    async def attempts(self, since: float = 0.0) -> list[float]:
        """When the client asked for a stream since then."""
        connects = (await self.state("twitter"))["connects"]
        return [connect["time"] for connect in connects if connect["time"] >= since]

    async def write(self, **fields: object) -> None:
        """Change the job, as a researcher does."""
        data = json.dumps(fields).encode()
        await self.ask("PATCH", f"{self._root('server')}api/activejobs/1/", data)

    async def job(self) -> dict[str, Any]:
        """The job, as the server has it."""
        [job] = (await self.state("server"))["jobs"]
        return dict(job)

    # Waiting.

    async def some_time(self, least: float, most: float) -> None:
        """Let things go on for a while that nobody can foretell."""
        await deferLater(reactor, self.random.uniform(least, most))

    def cut(self) -> None:
        """From now on no connection leads anywhere, until the world has recovered."""
        self._cut_at = reactor.seconds()

    async def recovered(self, patience: float = PATIENCE) -> None:
        """Return once a post of now or later is on disk: that fault is over."""
        since = reactor.seconds()

        def well() -> bool:
            self.running["client"].check()
            return evidence.sent_at(evidence.newest_post(self.data)) >= since

        await until(well, "posts on disk again", patience)
        now = reactor.seconds()
        self.recoveries.append(now - since)
        if self._cut_at is not None:
            self._cuts.append(Span(self._cut_at, now))
            self._cut_at = None

    async def reported(self) -> None:
        """Return once the server has heard of more posts: that fault is over."""
        since = reactor.seconds()
        before = (await self.job())["total_count"] or 0
        while ((await self.job())["total_count"] or 0) <= before:
            if reactor.seconds() - since > PATIENCE:
                raise AssertionError("The server does not hear of more posts.")
            await deferLater(reactor, 0.05)
        self.recoveries.append(reactor.seconds() - since)

    async def all_arrived(self) -> None:
        """Have no more posts made, and return once all that were are on disk."""
        await self.twitter("rate", rate=0)
        last = max(self._sent(reactor.seconds()).posts)

        def arrived() -> bool:
            self.running["client"].check()
            return evidence.newest_post(self.data) >= last

        await until(arrived, "the last post on disk", PATIENCE)

    async def close(self) -> Span:
        """Let what was sent arrive, and end the client; the period that there is to account for."""
        await self.all_arrived()
        ended = reactor.seconds()
        finished = await self.running["client"].end(signal.SIGTERM)
        if finished.status not in (0, -signal.SIGTERM):  # Twisted ends by the signal it was sent
            raise AssertionError(f"The client ended with {finished.status}: {finished.out}")
        return Span(self._sent(ended).opened[0], ended)

    def _sent(self, until_when: float) -> evidence.Sent:
        return evidence.read_journal(self.folder / "journal", self._twitter_killed, until_when)

    async def evidence(self, period: Span) -> Evidence:
        """What the run has left, once the client has ended."""
        sent = self._sent(period.end)
        stored, torn = evidence.read_posts(sorted(self.data.glob("*.json")))
        account = evidence.read_ledger(self.data / f"{JOB}.ledger.jsonl")
        state = await self.state("server")
        verify = [*self.prefix, *python("-m", "tcclient.account", f"data/{JOB}", "--verify")]
        verified = await start(self, self.folder, verify).finished()
        return Evidence(
            sent=sent.posts,
            stored=stored,
            torn=torn + len(list(self.data.glob("*.tmp"))),
            counted=account.counted,
            total=state["jobs"][0]["total_count"],
            reported=state["updates"]["1"]["count"],
            gaps=account.gaps,
            down=[*outside(sent.streams, period), *self._cuts],
            period=period,
            verified="" if verified.status == 0 else verified.out + verified.err,
        )
