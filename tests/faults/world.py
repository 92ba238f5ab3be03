"""
The client, both ends of the sandbox and the road between them, for one scenario.

Knows how to start, hurt and end each; knows nothing of what has to come out.
"""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import deferLater

from tcclient.storage.folders import UNROUTED
from tests.e2e.faketime import MachineClock
from tests.e2e.processes import Running, python, start, until
from tests.e2e.sleeping import SleepingMachine
from tests.faults import commands, evidence
from tests.faults.accounting import Evidence, Span, outside
from tests.faults.claims import Claims
from tests.faults.commands import JOB, Terms
from tests.faults.controls import Controls
from tests.faults.lateness import Lateness
from tests.faults.proxy import HOST, Proxy

PATIENCE = 30.0
"""Seconds until a fault must be over; the longest wait of the network ramp is 16 s."""


class World(Controls):
    """
    `random` decides when things happen; `recoveries` has the seconds until each fault was over.
    """

    def __init__(self, folder: Path, terms: Terms, seed: int = 1) -> None:
        super().__init__()
        self.folder = folder.absolute()
        self.data = self.folder / "data" / JOB
        self.terms = terms
        self.random = Random(seed)
        self.recoveries: list[float] = []
        self.running: dict[str, Running] = {}
        self.environ: dict[str, str] = {}  # the client's
        self.clock: MachineClock  # where it has one of its own
        self.ahead = 0  # seconds by which that is ahead for good
        self.machine: SleepingMachine  # where it can sleep
        self.client = commands.CLIENT
        self.prefix: list[str] = []  # of its command
        self.removed: list[Path] = []  # where all is still to be found of folders that are gone
        self.unwanted: list[Span] = []  # when nobody had to capture
        self.twitter_at = f"http://{HOST}"  # for the client
        self.other_cuts: list[Span] = []  # of the other capture alone
        self._cuts: list[Span] = []
        self._cut_at: float | None = None
        self._twitter_killed: list[float] = []
        self._cleanups: list[Callable[[], Any]] = []

    def addCleanup(self, act: Callable[[], Any]) -> None:
        """As a TestCase."""
        self._cleanups.append(act)

    async def begin(self) -> None:
        """All but the client is there when this returns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        await self.start("twitter")
        await self.start("server")
        self.proxy = Proxy(reactor, self.ports["twitter"])
        self.addCleanup(lambda: Deferred.fromCoroutine(self.proxy.stop()))
        self.proxy.listen()
        self.lateness = Lateness(reactor)
        self.addCleanup(lambda: maybeDeferred(self.lateness.end))
        self.lateness.begin()
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
        self.claims = Claims(self.data, reactor)
        if not self.environ and not self.terms.is_slow:  # its environment may be another clock
            self.claims.begin()
            self.addCleanup(lambda: maybeDeferred(self.claims.end))

    async def end(self) -> None:
        """Nothing is left of it but the folder."""
        while self._cleanups:
            await self._cleanups.pop()()

    async def start(self, what: str) -> None:
        """Start "twitter", "server" or "client"; the ends listen when this returns."""
        environ = self.environ if what == "client" else {}
        process = start(self, self.folder, self._command(what), **environ)
        self.running[what] = process
        if what != "client":
            await process.says("\n")
            found = re.search(r"://[^/]*:(\d+)/", process.out)
            assert found is not None, process.out
            self.ports[what] = int(found[1])

    async def kill(self, what: str, number: int = signal.SIGKILL) -> None:
        """Send it a signal, and return when it has ended."""
        if what == "twitter":
            self._twitter_killed.append(reactor.seconds())
        await self.running[what].end(number)

    def _command(self, what: str) -> list[str]:
        if what == "client":
            return [*self.prefix, *self.client]
        make = commands.twitter if what == "twitter" else commands.server
        return make(self.terms, self.ports.get(what, 0))

    def write_settings(self) -> None:
        """The client's."""
        root = f"{self.twitter_at}:{self.proxy.number}/"
        document = commands.settings(self.terms, root, self.root("server"))
        (self.folder / "settings.json").write_text(json.dumps(document))

    async def some_time(self, least: float, most: float) -> None:
        """Let things go on for a while that nobody can foretell."""
        await deferLater(reactor, self.random.uniform(least, most))

    def cut(self, ago: float = 0.0) -> None:
        """
        From now on, or since some seconds ago, no connection leads anywhere, until the world has
        recovered.
        """
        self._cut_at = reactor.seconds() - ago

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

    def unrouted(self) -> list[int]:
        """The ids of the posts that name no rule, in files of their own, finished or not."""
        folder = self.data.with_name(UNROUTED)
        files = [*folder.glob("*.tmp"), *sorted(folder.glob("*.json"))]
        return evidence.read_posts(files)[0]

    def not_told(self) -> list[str]:
        """Which captures' ledgers do not say how many posts name no rule."""
        wrong, posts = [], len(self.unrouted())
        for name in (JOB, self.terms.other):
            lines = evidence.ledger_lines(self.data.with_name(name) / f"{name}.ledger.jsonl")
            told = sum(
                line["posts"] - line.get("not_stored", 0)
                for line in lines
                if line["kind"] == "unrouted_posts"
            )
            if told != posts:
                wrong.append(f"{name} tells of {told} posts that name no rule, not of {posts}")
        return wrong

    async def evidence(self, period: Span, number: int = 1) -> Evidence:
        """
        What the run has left of a capture, once the client has ended.  Posts that are in the folder
        of those that name no rule count as not sent.
        """
        name = JOB if number == 1 else self.terms.other
        data, cuts = self.data.with_name(name), self._cuts if number == 1 else self.other_cuts
        sent, unrouted = self._sent(period.end), set(self.unrouted())
        folders = [*self.removed, data]
        unfinished = [path for folder in self.removed for path in folder.glob("*.tmp")]
        finished = [path for folder in folders for path in sorted(folder.glob("*.json"))]
        stored, torn = evidence.read_posts(unfinished + finished)
        ledgers = [folder / f"{name}.ledger.jsonl" for folder in folders]
        accounts = [evidence.read_ledger(ledger, self.ahead) for ledger in ledgers]
        state = await self.state("server")
        verify = [*self.prefix, *python("-m", "tcaccount", f"data/{name}", "--verify")]
        verified = await start(self, self.folder, verify).finished()
        return Evidence(
            sent={post: at for post, at in sent.posts.items() if post not in unrouted},
            stored=stored,
            torn=torn + len(list(data.glob("*.tmp"))),
            counted=accounts[-1].counted,
            total=state["jobs"][number - 1]["total_count"],
            reported=state["updates"][str(number)]["count"],
            gaps=[*self.unwanted, *(gap for account in accounts for gap in account.gaps)],
            down=[*self.unwanted, *outside(sent.streams, period), *cuts],
            period=period,
            late=self.lateness.spans,
            claims=self.claims.made if number == 1 else (),
            verified="" if verified.status == 0 else verified.out + verified.err,
        )
