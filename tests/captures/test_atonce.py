"""What is otherwise while the real-time channel is up, and that nothing is when it goes."""

from collections.abc import Callable
from typing import Any

from msgspec import structs, to_builtins
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.atonce import GLANCE, RARELY
from tcclient.captures.telling import SOON
from tcclient.control.realtime import RealtimeChannel
from tcclient.push.channel import PushChannel
from tcclient.push.messages import (
    AgainMessage,
    ChangedMessage,
    ClientMessage,
    GlimpsesMessage,
    HeldMessage,
    Hello,
    HostMessage,
    LedgerMessage,
    StateMessage,
)
from tcclient.push.retrying import LASTING
from tcclient.sources.source import Subscriber, Understood
from tcclient.sources.twitter_v1.feed import V1Feed, V1Source
from tcclient.sources.twitter_v1.query import Query
from tcclient.stream.capturestream import Upstream
from tests.captures.takingserver import TakingLine, TakingWorld
from tests.peers import upstream
from tests.push.peer import PeerConnection, PushPeer


class PushWorld(TakingWorld):
    """A server that has REST and a channel, both for what is in `line`; it polls each 10 s."""

    def __init__(self, test: Any) -> None:
        super().__init__(test)
        self.peer = PushPeer(self.clock)
        self.peer.takes = self.takes
        self.acknowledges = True
        self.unacknowledged = 0

    def channel(self) -> RealtimeChannel:
        return PushChannel(self.peer.connect, self.clock, lambda: 0.5)

    def takes(self, connection: PeerConnection, message: ClientMessage) -> None:
        """Store what REST would store."""
        if isinstance(message, StateMessage):
            told = structs.asdict(message)
            del told["n"]
            self.line.states[message.job] = {k: v for k, v in told.items() if v not in (None, "")}
        elif isinstance(message, GlimpsesMessage):
            self.line.glimpses.append(to_builtins(message))
        elif isinstance(message, LedgerMessage):
            self.unacknowledged = max(self.unacknowledged, len(message.data))
            held = self.line.ledgers.setdefault(message.ledger, bytearray())
            if message.offset <= len(held):
                held += message.data[len(held) - message.offset :]
            if self.acknowledges:
                answer = HeldMessage(message.ledger, len(held))
                self.clock.callLater(0, self.says, connection, answer)

    def says(self, connection: PeerConnection, message: HeldMessage) -> None:
        """Say something where the connection is still there."""
        if not connection.is_lost:
            connection.says(message)

    def goes(self, seconds: float, step: float = 0.25) -> None:
        """Let time pass, in which the server beats."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            if self.clock.seconds() % 10 < step:
                self.peer.beats()
        self.settle()

    def polls(self) -> int:
        """How often the jobs have been listed."""
        return len([one for one in self.line.seen if one.path.startswith("activejobs/?")])


class AtOnceCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = PushWorld(self)
        self.line: TakingLine = self.world.line
        self.peer = self.world.peer

    def hint(self, job: int = 1, revision: int = 9) -> None:
        """The server says that somebody wants something else."""
        self.peer.line.says(ChangedMessage(job, revision))


class TotalTests(AtOnceCase):
    def test_of_no_post_that_can_be_lost(self) -> None:
        """What a total counts is in a file, and kept as told: a client that is killed has it."""
        self.world.begin()
        self.world.goes(3)
        self.world.posts(5)
        before = self.world.polls()
        self.world.goes(3)
        self.assertEqual((self.line.states[1]["total"], self.world.polls()), (5, before))
        [file] = (self.world.disk.base / "cats").glob("*.tmp")
        self.assertEqual(file.read_bytes().count(b"\n"), 5)
        path = self.world.disk.base / "cats" / ".cats.ledger.state"
        self.assertIn(b'"tried":5', path.read_bytes())


class HintTests(AtOnceCase):
    def setUp(self) -> None:
        super().setUp()
        self.world.begin()

    def test_a_stop(self) -> None:
        """It is polled for at once, and done."""
        self.world.store.stop(1)
        self.world.changes()
        self.hint(revision=2)
        self.world.settle()  # in which no time passes
        self.assertEqual(self.world.row().status, 5)
        self.world.settle()
        self.assertEqual(self.line.states[1]["condition"], "idle")

    def test_what_is_known_already(self) -> None:
        """A hint that comes late or doubled costs nothing."""
        polls = self.world.polls()
        self.hint(revision=1)
        self.world.goes(5)
        self.assertEqual(self.world.polls(), polls)

    def test_many_hints(self) -> None:
        """Two polls a second at most."""
        polls = self.world.polls()
        for _ in range(40):
            self.hint()
            self.world.goes(0.25)
        self.assertLessEqual(self.world.polls() - polls, 21)
        self.assertGreaterEqual(self.world.polls() - polls, 19)

    def test_the_second_hint(self) -> None:
        """It is polled for at once too: a person has done two things, the one after the other."""
        polls = self.world.polls()
        for more in (1, 2):
            self.hint()
            self.world.settle()
            self.assertEqual(self.world.polls(), polls + more)
        self.hint()
        self.world.goes(0.5)
        self.assertEqual(self.world.polls(), polls + 2)
        self.world.goes(0.5)
        self.assertEqual(self.world.polls(), polls + 3)

    def test_a_hint_during_a_poll(self) -> None:
        """It may have come too late for that one: another follows."""
        self.line.hold("GET", "activejobs/?")
        self.hint()
        self.world.goes(1)
        polls = self.world.polls()
        self.hint(revision=10)
        self.world.goes(1)
        self.assertEqual(self.world.polls(), polls)
        self.line.release()
        self.world.goes(1)
        self.assertEqual(self.world.polls(), polls + 1)

    def test_a_hint_for_a_server_that_is_away(self) -> None:
        """What runs goes on, and it is polled for again with the next interval."""
        self.world.store.stop(1)
        self.world.changes()
        self.line.dead = True
        self.hint()
        self.world.goes(5)
        self.assertEqual(self.world.row().status, 4)
        self.line.dead = False
        self.world.lives(10)
        self.assertEqual(self.world.row().status, 5)

    def test_a_report_under_way(self) -> None:
        """What is told by REST as the channel comes up is waited for, and not again and again."""
        self.line.hold("PUT", "state/")
        self.peer.line.closes(1012)
        self.world.goes(5)
        self.world.store.stop(1)
        self.world.changes()
        self.hint()
        self.world.goes(1)
        self.line.release()
        self.world.goes(1)
        self.assertEqual(self.line.states[1]["condition"], "idle")


class NotingFeed(V1Feed):
    """A feed that notes what it is asked for, in the order of all feeds."""

    def __init__(
        self, source: V1Source, subscriber: Subscriber, note: Callable[[str], None]
    ) -> None:
        super().__init__(source, subscriber)
        self._note = note

    def ask(self, text: str | None) -> Understood:
        """Note that it is asked for something."""
        self._note(f"{text}")
        return super().ask(text)

    async def cease(self) -> None:
        """Note that it is asked for nothing."""
        self._note("nothing")
        await super().cease()


class NotingSource(V1Source):
    """Runs all jobs."""

    most_captures = None

    def __init__(self, upstream: Upstream[Query]) -> None:
        super().__init__(upstream)
        self.asked: list[str] = []

    def feed_for(self, job_id: int, subscriber: Subscriber) -> V1Feed:
        """Return the feed of a job."""
        return NotingFeed(self, subscriber, self.asked.append)


class NotingWorld(PushWorld):
    """A client that runs all jobs."""

    def posts_source(self) -> V1Source:
        self.noting = NotingSource(upstream(self.source, self.clock))
        return self.noting


class OrderTests(SynchronousTestCase):
    def test_what_people_wait_for(self) -> None:
        """Of what one poll brings, stops are done first, then starts, then new keywords."""
        world = NotingWorld(self)
        world.store.create("rain", "rain", 1)
        world.store.create("dogs", "dogs", 2)
        world.start()
        for stream in world.source.peers:
            stream.answers()
        world.goes(5)
        self.assertEqual([world.row(job).status for job in (1, 2, 3)], [3, 1, 3])
        world.noting.asked.clear()
        world.store.rekey(1, "birds")
        world.store.start(2)
        world.store.stop(3)
        for job in (1, 2, 3):
            world.changes(job)
        world.peer.line.says(ChangedMessage(1, 2))
        world.goes(0.25)
        self.assertEqual(world.noting.asked, ["nothing", "rain", "birds"])


class HurryTests(SynchronousTestCase):
    def test_reports_of_many_captures(self) -> None:
        """They are spread over the interval; a hint waits for none of them."""
        world = NotingWorld(self)
        for name in ("dogs", "rain", "snow", "hail", "birds"):
            world.store.create(name, name, 2)
        world.start()
        for stream in world.source.peers:
            stream.answers()
        world.goes(2)
        world.store.stop(6)
        world.changes(6)
        world.peer.line.says(ChangedMessage(6, 2))
        world.goes(0.5)
        self.assertEqual(world.row(6).status, 5)


class PollTests(AtOnceCase):
    def test_while_it_is_up(self) -> None:
        """Polls are rare: hints may be lost."""
        self.world.begin()
        polls = self.world.polls()
        self.world.lives(5 * RARELY)
        self.assertIn(self.world.polls() - polls, (4, 5))

    def test_once_it_is_gone(self) -> None:
        """They come at the interval again, the first within one of them."""
        self.world.begin()
        self.world.lives(20)
        self.peer.is_there = False
        self.peer.line.closes(1012)
        polls = self.world.polls()
        self.world.goes(10)
        self.assertEqual(self.world.polls(), polls + 1)
        self.world.goes(50)
        self.assertEqual(self.world.polls(), polls + 6)

    def test_a_server_without_reports(self) -> None:
        """It is not asked for a channel either."""
        self.line.offers = False
        self.world.begin()
        self.world.lives(60)
        self.assertEqual(self.peer.attempts, [])


class CarriedTests(AtOnceCase):
    def test_nothing_by_rest(self) -> None:
        """While it is up, states, machine and pieces of ledgers go by it alone."""
        self.world.begin()
        seen = len(self.line.seen)
        self.world.posts(5)
        self.world.lives(45)
        rest = {one.path.split("/")[0] for one in self.line.seen[seen:] if one.method == "PUT"}
        self.assertEqual(rest, set())
        self.assertEqual(self.line.states[1]["total"], 5)
        self.assertEqual(self.line.ledgers[self.world.ledger_id()], self.world.ledger())
        self.assertEqual(len(self.peer.of(HostMessage)), 2)

    def test_numbers(self) -> None:
        """Once a second at most, each with the newest."""
        self.world.begin()
        before = len(self.peer.of(StateMessage))
        for _ in range(40):
            self.world.posts(1)
            self.world.goes(0.25)
        self.assertIn(len(self.peer.of(StateMessage)) - before, (9, 10, 11))

    def test_the_rate(self) -> None:
        """It is that of the last ten seconds, though the next poll is a minute away."""
        self.world.begin()
        rates = []
        for posts in (1, 2, 0):
            for _ in range(22):
                self.world.posts(posts)
                self.world.goes(1)
            rates.append(self.line.states[1]["rate"])
        for rate, expected in zip(rates, (1, 2, 0), strict=True):
            self.assertAlmostEqual(rate, expected, delta=0.2)

    def test_a_lost_stream(self) -> None:
        """Its condition and the lines about it are told in the same moment."""
        self.world.begin()
        self.world.lives(5)
        self.world.source.peer.closes()
        self.world.settle()
        self.assertEqual(self.line.states[1]["condition"], "closed")
        self.assertEqual(self.line.ledgers[self.world.ledger_id()], self.world.ledger())

    def test_the_hello(self) -> None:
        """It has the revisions that are applied and the ledgers that are written."""
        self.world.begin()
        [hello] = self.peer.of(Hello)
        self.assertEqual([one.job for one in hello.captures], [1])
        self.assertEqual([one.ledger for one in hello.ledgers], [self.world.ledger_id()])
        self.world.lives(LASTING)
        self.peer.line.closes(1012)
        self.world.goes(1)
        hello = self.peer.of(Hello)[-1]
        self.assertEqual({one.job for one in hello.ledgers}, {1, None})
        lengths = {one.ledger: one.length for one in hello.ledgers}
        self.assertEqual(lengths[self.world.ledger_id()], len(self.world.ledger()))

    def test_never_more_than_a_piece_unacknowledged(self) -> None:
        self.world.acknowledges = False
        self.world.begin()
        self.world.lives(20)
        self.assertEqual(len(self.peer.of(LedgerMessage)), 1)
        self.assertLessEqual(self.world.unacknowledged, 32 << 10)

    def test_a_missing_number(self) -> None:
        """All is told again."""
        self.world.store.create("rain", "rain", 1)
        self.world.begin()
        self.line.states.clear()
        self.peer.line.says(AgainMessage())
        self.world.goes(2)
        self.assertEqual(set(self.line.states), {1, 2})


class CutTests(AtOnceCase):
    def test_anywhere(self) -> None:
        """After a cut all goes by REST: no byte of a ledger is lost or doubled, no state is old."""
        for silent in (True, False):
            world = PushWorld(self)
            world.begin()
            world.acknowledges = not silent
            world.source.peer.closes()
            world.goes(GLANCE)
            world.peer.is_there = False
            world.peer.line.closes(1012)
            world.goes(1)
            world.connect()
            world.lives(30)
            self.assertEqual(world.line.ledgers[world.ledger_id()], world.ledger())
            self.assertEqual(world.line.states[1]["condition"], "ok")

    def test_another_server_process(self) -> None:
        """It has what the first one was told, and nothing is told it twice."""
        self.world.begin()
        self.world.lives(LASTING)
        self.peer.line.closes(1012)
        self.world.goes(SOON)
        before = len(self.peer.of(LedgerMessage))
        self.world.lives(5)
        self.assertEqual(len(self.peer.connections), 2)
        self.assertEqual(len(self.peer.of(LedgerMessage)), before)
        self.assertIn(StateMessage, [type(one) for one in self.peer.line.heard])

    def test_a_server_that_was_put_back(self) -> None:
        """It lacks what it had: that is sent again."""
        self.world.begin()
        self.world.lives(LASTING)
        self.line.ledgers.clear()
        self.peer.welcomes(held={self.world.ledger_id(): 0})
        self.peer.line.closes(1012)
        self.world.lives(10)
        self.assertEqual(self.line.ledgers[self.world.ledger_id()], self.world.ledger())

    def test_the_end(self) -> None:
        """The client says that it was stopped."""
        self.world.begin()
        self.world.lives(5)
        stopped = self.world.stop()
        self.world.goes(5)
        self.successResultOf(stopped)
        self.assertEqual(self.line.states[1]["condition"], "client_stopped")
        self.assertTrue(self.peer.line.is_lost)
