"""A job goes from client to client, and back: each post is counted once, and the total knows it."""

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.counters import Counters, CountUpdate, Row, Tally
from tests import DEPTH

CLIENTS = st.integers(0, 2)


@attrs.define
class Server:
    """What it does with totals and updates, and whose the job is."""

    owner: int = 0
    total: int | None = None
    rows: list[Row] = attrs.field(factory=list)
    counted: int = 0

    def take(self, update: CountUpdate) -> None:
        """Anybody's update is stored."""
        self.counted += update.count
        self.rows.append((update.count, update.total, update.rate))


@attrs.define
class Client:
    """One client as far as it counts; `losing` while a lost job's last update is to be sent."""

    number: int
    server: Server
    tally: Tally = attrs.field(factory=lambda: Tally(Counters(), 0.0))
    running: bool = False
    losing: bool = False

    def poll(self, now: float) -> None:
        """Find out whose the job is; take the server's numbers, and tell ours."""
        if self.server.owner == self.number:
            if not self.running:
                self.tally.resume(now)
            self.running, self.losing = True, False
            newest = [(None, total, rate) for _, total, rate in self.server.rows[-1:]]
            self.tally.rebase(self.server.total, newest)
            if self.tally.in_doubt:
                self.tally.rebase(self.server.total, self.server.rows)
            total, _ = self.tally.ping(now)
            self.server.total = total
            self.tally.told(total)
        elif self.running:
            self.running, self.losing = False, True
            self.tally.cease()

    def send(self, now: float) -> CountUpdate:
        """Read the job, settle what is in doubt, then speak."""
        if self.tally.unsettled:
            self.tally.settle(self.server.rows)
        if self.running:
            self.poll(now)
        if not self.running:
            newest = [total for _, total, _ in self.server.rows[-1:]]
            self.tally.build_on(max(self.server.total or 0, *newest, 0))
        return self.tally.update(now)

    def tell(self, now: float) -> None:
        """Send an update that is taken and answered; another one while posts are in none."""
        while True:
            update = self.send(now)
            self.server.take(update)
            self.tally.accepted(update)
            if self.tally.settled == self.tally.posts:
                break
        self.losing = False

    def restart(self, now: float) -> None:
        """Go on from what the ledger has; what was never reported is to be sent."""
        counters = self.tally.counters
        self.tally = Tally(counters, now)
        self.running = False
        self.losing = self.server.owner != self.number and self.tally.posts > self.tally.settled


class HandOvers(RuleBasedStateMachine):
    """Three clients and a server."""

    def __init__(self) -> None:
        super().__init__()
        self.server = Server()
        self.clients = [Client(number, self.server) for number in range(3)]
        self.now = 0.0

    def passes(self, seconds: float) -> float:
        self.now += seconds
        return self.now

    @initialize()
    def begin(self) -> None:
        self.clients[0].poll(self.now)

    @rule(client=CLIENTS, posts=st.integers(1, 9))
    def write(self, client: int, posts: int) -> None:
        """No two clients send the same row: the numbers of one are in other digits."""
        if self.clients[client].running:
            self.clients[client].tally.posts += posts * 1000**client

    @rule(client=CLIENTS)
    def poll(self, client: int) -> None:
        self.clients[client].poll(self.passes(10))

    @rule(client=CLIENTS)
    def tell(self, client: int) -> None:
        if self.clients[client].running or self.clients[client].losing:
            self.clients[client].tell(self.passes(20))

    @rule(client=CLIENTS, arrives=st.booleans())
    def lose_the_answer(self, client: int, arrives: bool) -> None:
        if self.clients[client].running or self.clients[client].losing:
            update = self.clients[client].send(self.passes(20))
            if arrives:
                self.server.take(update)

    @rule(client=CLIENTS)
    def reassign(self, client: int) -> None:
        self.server.owner = client

    @rule(client=CLIENTS)
    def restart(self, client: int) -> None:
        self.clients[client].restart(self.now)

    @invariant()
    def nothing_is_counted_twice(self) -> None:
        assert self.server.counted <= self.posts()

    def posts(self) -> int:
        """Lines on the disks of all."""
        return sum(client.tally.posts for client in self.clients)

    def end(self) -> None:
        """All find out how things stand, and say the last."""
        for client in self.clients:
            client.poll(self.passes(10))
        for client in self.clients:
            if client.losing or client.tally.posts > client.tally.settled:
                client.tell(self.passes(20))
                self.clients[self.server.owner].poll(self.passes(10))

    def teardown(self) -> None:
        """The sum of all counts is what is on the disks."""
        self.end()
        assert self.server.counted == self.posts()


class NoticedHandOvers(HandOvers):
    """
    Each loser's last update lands while its successor has the job, however late; until it finds
    out both capture.
    """

    def losers_speak(self) -> None:
        """Whoever has lost the job finds out, and sends its last update."""
        for client in self.clients:
            if client.number != self.server.owner:
                client.poll(self.passes(1))
                if client.losing:
                    client.tell(self.now)

    @rule(client=CLIENTS)
    def reassign(self, client: int) -> None:
        self.losers_speak()
        self.clients[self.server.owner].poll(self.passes(1))
        super().reassign(client)

    def teardown(self) -> None:
        """The total that the last one tells is the sum of all counts, too."""
        self.losers_speak()
        self.end()
        self.clients[self.server.owner].poll(self.passes(10))
        assert self.server.counted == self.posts()
        assert self.server.total == self.posts(), (self.server.total, self.posts())


class LateHandOvers(NoticedHandOvers):
    """
    A client may be killed while it has the job, which goes to another one; when it starts again it
    says what it had not told.
    """

    def __init__(self) -> None:
        super().__init__()
        self.down: set[int] = set()

    def losers_speak(self) -> None:
        """Whoever is down says nothing."""
        for client in self.clients:
            if client.number not in (self.server.owner, *self.down):
                client.poll(self.passes(1))
                if client.losing:
                    client.tell(self.now)

    @rule(client=CLIENTS)
    def kill(self, client: int) -> None:
        self.down.add(client)

    @rule(client=CLIENTS)
    def start(self, client: int) -> None:
        if client in self.down:
            self.down.remove(client)
            self.clients[client].restart(self.now)
            self.losers_speak()

    def is_up(self, client: int) -> bool:
        return client not in self.down

    @rule(client=CLIENTS, posts=st.integers(1, 9))
    def write(self, client: int, posts: int) -> None:
        if self.is_up(client):
            super().write(client, posts)

    @rule(client=CLIENTS)
    def poll(self, client: int) -> None:
        if self.is_up(client):
            super().poll(client)

    @rule(client=CLIENTS)
    def tell(self, client: int) -> None:
        if self.is_up(client):
            super().tell(client)

    @rule(client=CLIENTS, arrives=st.booleans())
    def lose_the_answer(self, client: int, arrives: bool) -> None:
        if self.is_up(client):
            super().lose_the_answer(client, arrives)

    @rule(client=CLIENTS)
    def restart(self, client: int) -> None:
        """That is killed, and started, without anything in between."""

    @rule(client=CLIENTS)
    def reassign(self, client: int) -> None:
        """To one that runs, which finds out before the one that had it speaks."""
        if self.is_up(client):
            self.losers_speak()
            if self.is_up(self.server.owner):
                self.clients[self.server.owner].poll(self.passes(1))
            self.server.owner = client
            self.clients[client].poll(self.passes(1))

    @invariant()
    def no_total_falls(self) -> None:
        totals = [total or 0 for _, total, _ in self.server.rows]
        assert totals == sorted(totals), self.server.rows

    def teardown(self) -> None:
        for client in sorted(self.down):
            self.start(client)
        super().teardown()


for machine in (HandOvers, NoticedHandOvers, LateHandOvers):
    machine.TestCase.settings = settings(
        max_examples=150 * DEPTH, stateful_step_count=30, deadline=None
    )


class AnyHandOverTests(SynchronousTestCase):
    """Any order of hand-overs, polls, updates, lost answers and restarts."""

    def test_each_post_is_counted_once(self) -> None:
        """Sum of count = lines on the disks."""
        HandOvers.TestCase("runTest").runTest()

    def test_the_total_is_the_sum(self) -> None:
        """Where a loser's last update comes while its successor has the job."""
        NoticedHandOvers.TestCase("runTest").runTest()

    def test_after_a_kill(self) -> None:
        """Likewise, however late a client that was killed tells its last; no total falls."""
        LateHandOvers.TestCase("runTest").runTest()
