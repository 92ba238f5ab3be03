"""The client's end of the real-time channel, by the clock."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.answers import ServerError
from tcclient.control.realtime import Introduction, NotCarried, OwnLedger
from tcclient.control.reports import Held, Host, State
from tcclient.push.channel import ACKNOWLEDGING, GREETING, PushChannel
from tcclient.push.frames import MOST_AT_ONCE
from tcclient.push.messages import (
    BEAT,
    IN_USE,
    MOST_OF_A_CLIENT,
    PIECE,
    REFUSED,
    SILENCE,
    TAKEN_OVER,
    AgainMessage,
    Beat,
    Bye,
    ChangedMessage,
    HeldCapture,
    HeldMessage,
    Hello,
    HostMessage,
    KeptLedger,
    LedgerMessage,
    StateMessage,
    written,
)
from tcclient.push.retrying import DAY, LASTING, RAMP
from tcclient.push.socket import CLOSING, OPENING
from tests.push.peer import PushPeer

RUNS = State(job=7, condition="ok", revision=3, total=5)


class Listener:
    """Who uses the channel: keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        machine = Host(version="1", host="box", installation="a" * 12, instance="i")
        self.introduction = Introduction(machine, [(7, 3)], [OwnLedger("abc", 100, 7)], "server")

    def introduce(self) -> Introduction:
        return self.introduction

    def up(self, every: float, held: Sequence[Held]) -> None:
        self.told.append(("up", every, {one.ledger: one.held for one in held}))

    def down(self) -> None:
        self.told.append("down")

    def changed(self, job: int, revision: int) -> None:
        self.told.append((job, revision))

    def again(self) -> None:
        self.told.append("again")


class ChannelCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.peer = PushPeer(self.clock)
        self.user = Listener()
        self.chance = 0.5
        self.channel = PushChannel(self.peer.connect, self.clock, lambda: self.chance)
        self.channel.begin(self.user)
        self.channel.startService()  # type: ignore[no-untyped-call]
        events = capturedLogs()
        self.events: list[LogEvent] = events.__enter__()
        self.addCleanup(events.__exit__, None, None, None)
        self.addCleanup(self.end)

    def end(self) -> None:
        """The client ends, and leaves nothing behind."""
        if self.channel.running:
            stopped = self.channel.stopService()
            self.goes(CLOSING)
            self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def goes(self, seconds: float = 0.0) -> None:
        """Let so much time pass."""
        self.clock.pump([0.0] * 5)
        self.clock.pump([seconds / 50] * 50)
        self.clock.pump([0.0] * 5)

    def up(self) -> None:
        """Have the channel up."""
        self.channel.polled()
        self.goes()
        self.assertEqual(self.user.told[-1][0], "up")

    def said(self) -> list[str]:
        """The lines of the log."""
        return [str(event["log_format"]).format(**event) for event in self.events]


class GreetingTests(ChannelCase):
    def test_nothing_before_a_poll(self) -> None:
        """Whether the server may have a channel is known by REST."""
        self.goes(1000)
        self.assertEqual(self.peer.attempts, [])

    def test_a_hello(self) -> None:
        """By the subprotocol, with the token; it says who this is and what is here."""
        self.peer.welcomes(every=2.5, held={"abc": 60})
        self.up()
        request = self.peer.line.request
        assert request is not None
        self.assertEqual(request.path, "/ws/client/")
        self.assertEqual(request.headers["Authorization"], "Token s3cret")
        self.assertEqual(request.headers["Sec-WebSocket-Protocol"], "tcc.1")
        self.assertNotIn("Origin", request.headers)
        hello = Hello(
            1, "a" * 12, "i", "1", "box", (HeldCapture(7, 3),), (KeptLedger("abc", 100, 7),)
        )
        self.assertEqual(self.peer.line.heard, [hello])
        self.assertEqual(self.user.told, [("up", 2.5, {"abc": 60})])

    def test_as_many_captures_as_there_can_be(self) -> None:
        """A hello has at most 64 KiB, whatever numbers captures have: what has room is named."""
        largest = 2**63 - 1
        machine = self.user.introduction.machine
        for host, first, named in (("box", 1, 1000), ("ü" * 255, largest - 1000, 900)):
            revisions = [(first + n, largest) for n in range(1500)]
            ledgers = [OwnLedger(f"{n:064}", largest, largest) for n in range(60)]
            self.user.introduction = Introduction(
                structs.replace(machine, host=host), revisions, ledgers, "server"
            )
            self.peer.welcomes()
            self.up()
            [hello] = self.peer.line.heard
            assert isinstance(hello, Hello)
            self.assertLessEqual(len(written(hello)), MOST_OF_A_CLIENT)
            jobs = [one.job for one in hello.captures]
            self.assertEqual(jobs[:named], [*range(first, first + named)])
            self.assertEqual(len(hello.ledgers), 50)
            self.peer.lives(LASTING)
            self.peer.welcome = None
            self.peer.line.closes(1012)

    def test_what_a_server_says_is_bounded(self) -> None:
        for every, taken in ((-1.0, 1.0), (0.0, 1.0), (1e9, 60.0), (2.0, 2.0)):
            self.peer.welcomes(every=every)
            self.up()
            self.assertEqual(self.user.told[-1][1], taken)
            self.peer.lives(LASTING)
            self.peer.welcome = None
            self.peer.line.closes(1012)

    def test_another_server(self) -> None:
        """What belongs to the server at base_url is told no other, and that is said."""
        self.peer.welcomes(server="another")
        self.channel.polled()
        self.goes()
        self.assertEqual(self.user.told, [])
        self.assertTrue(self.peer.line.is_lost)
        self.assertIn("another capture server answers there", "".join(self.said()))
        self.assertEqual(self.peer.waited(), DAY)

    def test_another_protocol(self) -> None:
        self.peer.welcomes(protocol=2)
        self.channel.polled()
        self.goes()
        self.assertEqual((self.user.told, self.peer.line.is_lost), ([], True))

    def test_no_answer_to_the_handshake(self) -> None:
        self.peer.is_mute = True
        self.channel.polled()
        self.goes(OPENING - 1)
        self.assertFalse(self.peer.line.is_lost)
        self.goes(1.5)
        self.assertTrue(self.peer.connections[0].is_lost)

    def test_no_welcome(self) -> None:
        self.peer.welcome = None
        self.channel.polled()
        self.goes()
        self.peer.lives(GREETING - 1)
        self.assertFalse(self.peer.line.is_lost)
        self.peer.lives(1.5)
        self.assertTrue(self.peer.connections[0].is_lost)


class TellingTests(ChannelCase):
    def test_before_it_is_up(self) -> None:
        """And after it is down: nothing is carried."""
        self.assertRaises(NotCarried, self.channel.states, [RUNS])
        self.up()
        self.peer.line.closes(1012)
        self.goes()
        self.assertEqual(self.user.told[-1], "down")
        self.assertRaises(NotCarried, self.channel.states, [RUNS])
        self.assertRaises(NotCarried, self.channel.host, Host())
        held = Deferred.fromCoroutine(self.channel.append("abc", 7, 0, b"x"))
        self.failureResultOf(held, NotCarried)

    def test_numbers_of_a_connection(self) -> None:
        """States and the machine are counted together, and from 1 with each connection."""
        for _ in range(2):
            self.up()
            self.channel.states([RUNS, RUNS])
            self.channel.host(Host(disk_free=9))
            told = self.peer.line.heard[1:]
            self.assertEqual([one.n for one in told], [1, 2, 3])
            self.assertEqual(told[0], StateMessage(n=1, job=7, condition="ok", revision=3, total=5))
            self.assertEqual(told[2], HostMessage(n=3, disk_free=9))
            self.peer.lives(LASTING)
            self.peer.line.closes(1012)
            self.goes(0.1)

    def test_what_is_too_long(self) -> None:
        """It goes by REST; the channel stays."""
        self.up()
        self.assertRaises(NotCarried, self.channel.host, Host(budget={"x": "x" * 70_000}))
        self.channel.host(Host())
        self.assertEqual(self.peer.of(HostMessage), [HostMessage(n=1)])

    def test_a_server_that_does_not_read(self) -> None:
        """Nothing piles up for it; when it reads again, it is told the newest."""
        self.up()
        self.peer.line.producer.pauseProducing()
        for _ in range(1000):
            self.channel.states([RUNS])
        self.assertEqual(self.peer.of(StateMessage), [])
        self.peer.line.producer.resumeProducing()
        self.assertEqual(self.user.told[-1], "again")
        self.channel.states([RUNS])
        self.assertEqual([one.n for one in self.peer.of(StateMessage)], [1])

    def test_a_server_that_never_reads(self) -> None:
        self.up()
        self.peer.line.producer.pauseProducing()
        self.peer.lives(SILENCE)
        self.goes()
        self.assertIn("down", self.user.told)

    def test_hints(self) -> None:
        self.up()
        self.peer.line.says(ChangedMessage(7, 4))
        self.peer.line.says(AgainMessage())
        self.assertEqual(self.user.told[1:], [(7, 4), "again"])

    def test_what_a_later_server_says(self) -> None:
        """Types and members that are not known are passed over."""
        self.up()
        self.peer.line.says_text(b'{"type": "later", "x": [1]}')
        self.peer.line.says_text(b'{"type": "changed", "job": 7, "revision": 4, "why": "x"}')
        self.assertEqual(self.user.told[1:], [(7, 4)])


class LedgerTests(ChannelCase):
    def setUp(self) -> None:
        super().setUp()
        self.up()

    def append(self, data: bytes = b"line\n") -> Deferred[int]:
        """Send bytes of a ledger, from its tenth on."""
        return Deferred.fromCoroutine(self.channel.append("abc", 7, 10, data))

    def test_a_piece(self) -> None:
        """It is done when it is acknowledged: with its ledger's name, and not another's."""
        held = self.append()
        self.assertEqual(self.peer.line.heard[1:], [LedgerMessage("abc", 10, b"line\n", 7)])
        self.peer.line.says(HeldMessage("another", 99))
        self.assertNoResult(held)
        self.peer.line.says(HeldMessage("abc", 15))
        self.assertEqual(self.successResultOf(held), 15)
        self.peer.line.says(HeldMessage("abc", 15))  # doubled

    def test_a_long_one(self) -> None:
        """No more than fits into a message goes at once."""
        held = self.append(b"x" * 70_000)
        self.assertEqual([len(one.data) for one in self.peer.of(LedgerMessage)], [PIECE])
        self.peer.line.says(HeldMessage("abc", 10 + PIECE))
        self.assertEqual(self.successResultOf(held), 10 + PIECE)

    def test_a_refused_one(self) -> None:
        held = self.append()
        self.peer.line.says(HeldMessage("abc", 0, "another client's"))
        error = self.failureResultOf(held, ServerError).value
        self.assertEqual((str(error), error.status), ("another client's", 400))

    def test_a_socket_that_is_cut(self) -> None:
        """It is not known whether the piece arrived, which is said."""
        held = self.append()
        self.peer.line.closes(1012)
        self.goes()
        self.failureResultOf(held, NotCarried)

    def test_no_acknowledgement(self) -> None:
        """A server that is alive and acknowledges nothing is given up."""
        held = self.append()
        self.peer.lives(ACKNOWLEDGING)
        self.failureResultOf(held, NotCarried)
        self.goes()
        self.assertIn("down", self.user.told)


class SilenceTests(ChannelCase):
    def test_pings(self) -> None:
        """Something passes every proxy that cuts after a minute."""
        self.up()
        self.peer.lives(5 * BEAT + 1)
        self.assertEqual(self.peer.line.pings, 5)

    def test_no_sign_of_life(self) -> None:
        """Pongs and hints are none: they come from a server whose hints may not."""
        self.up()
        self.goes(SILENCE / 2)
        self.peer.line.says(Beat())
        self.goes(SILENCE / 2 + 1)
        self.peer.line.says(ChangedMessage(7, 4))
        self.assertFalse(self.peer.line.is_lost)
        self.goes(SILENCE / 2)
        self.assertTrue(self.peer.connections[0].is_lost)
        self.assertIn("down", self.user.told)

    def test_a_dead_peer_at_the_end(self) -> None:
        """The client ends all the same."""
        self.up()
        self.peer.is_deaf = True
        stopped = self.channel.stopService()
        self.goes(CLOSING - 0.1)
        self.assertNoResult(stopped)
        self.goes(0.1)
        self.successResultOf(stopped)

    def test_the_end(self) -> None:
        """The server hears that the client ends, and the client waits for it."""
        self.up()
        stopped = self.channel.stopService()
        self.goes()
        self.successResultOf(stopped)
        self.assertEqual(self.peer.line._protocol.close_rcvd.code, 1000)  # type: ignore[union-attr]

    def test_the_end_while_connecting(self) -> None:
        self.peer.is_mute = True
        self.channel.polled()
        stopped = self.channel.stopService()
        self.goes()
        self.successResultOf(stopped)


class RetryTests(ChannelCase):
    """`chance` is a half, so that each wait is half of the longest."""

    def test_a_server_that_restarts(self) -> None:
        """After a while that lasts, again at once where there are few clients."""
        for code in (1012, 1011, 1000):
            self.up()
            self.peer.lives(LASTING)
            self.peer.line.closes(code)
            self.goes()
            self.assertLessEqual(self.peer.waited(), 0.25)
            self.goes()

    def test_many_that_are_told_when(self) -> None:
        """Each comes then: the later of that and of a time of its own would gather them."""
        self.peer.welcomes(spread=40.0)
        self.up()
        self.peer.lives(LASTING)
        self.peer.line.says(Bye("It restarts.", 7.0))
        self.peer.line.closes(1012)
        self.goes()
        self.assertEqual(self.peer.waited(), 7.0)

    def test_many_clients(self) -> None:
        """They are spread over what the server says."""
        self.peer.welcomes(spread=40.0)
        self.up()
        self.peer.lives(LASTING)
        self.peer.line.closes(1012)
        self.goes()
        self.assertEqual(self.peer.waited(), 20.0)

    def test_one_that_is_refused(self) -> None:
        """Ever longer, up to a minute."""
        self.peer.is_there = False
        self.channel.polled()
        waits = [self.peer.waited() for _ in range(8)]
        self.assertEqual(waits, [0.5, 1, 2, 4, 8, 16, RAMP.longest / 2, RAMP.longest / 2])

    def test_never_denser_than_spread(self) -> None:
        self.peer.welcomes(spread=40.0)
        self.up()
        self.peer.lives(LASTING)
        self.peer.is_there = False
        self.peer.line.closes(1012)
        self.goes()
        self.assertEqual([self.peer.waited() for _ in range(3)], [20.0, 20.0, 20.0])

    def test_one_that_does_not_last(self) -> None:
        """A connection that is accepted and ends counts as a failure."""
        self.up()
        waits = []
        for _ in range(4):
            self.peer.line.closes(1011)
            self.goes()
            waits.append(self.peer.waited())
            self.goes()
        self.assertEqual(waits, [0.5, 1, 2, 4])

    def test_when_the_server_says(self) -> None:
        """A bye with seconds is obeyed, within bounds."""
        for after, wait in ((17.0, 17.0), (-5.0, 0.0), (1e308, 3600.0)):
            self.up()
            self.peer.lives(LASTING)
            self.peer.line.says(Bye("restart", after))
            self.peer.line.closes(1012)
            self.goes()
            self.assertAlmostEqual(self.peer.waited(), wait, delta=0.01)
            self.goes()

    def test_a_revoked_token(self) -> None:
        """It is tried again once REST takes it, and not before."""
        self.up()
        self.peer.line.closes(REFUSED)
        self.goes(DAY)
        self.assertEqual(len(self.peer.attempts), 1)
        then = self.clock.seconds()
        self.channel.polled()
        self.peer.waited()
        self.assertEqual(self.peer.attempts[-1] - then, 0.5)
        self.assertIn("does not take this client's token", "".join(self.said()))

    def test_a_token_that_is_refused_at_once(self) -> None:
        """The code comes together with the answer to the handshake, which is accepted first."""
        self.peer.closes_with = REFUSED
        self.channel.polled()
        self.goes(DAY)
        self.assertEqual((len(self.peer.attempts), self.user.told), (1, []))
        self.assertIn("does not take this client's token", "".join(self.said()))
        self.peer.closes_with = None
        self.channel.polled()
        self.goes(1)
        self.assertEqual(len(self.user.told), 1)

    def test_a_refused_handshake(self) -> None:
        for status in (401, 403):
            self.peer.status = status
            self.channel.polled()
            self.goes(1000)
            before = len(self.peer.attempts)
            self.goes(1000)
            self.assertEqual(len(self.peer.attempts), before)

    def test_a_server_without_a_channel(self) -> None:
        """It is found out once, said once, and asked again a day later."""
        self.peer.status = 404
        self.channel.polled()
        self.goes()
        self.channel.polled()
        self.goes(1000)
        self.assertEqual(len(self.peer.attempts), 1)
        self.assertEqual(self.peer.waited(), DAY)
        self.goes()
        self.assertEqual(len(self.said()), 1)

    def test_a_proxy_that_has_no_server(self) -> None:
        """That passes."""
        self.peer.status = 502
        self.channel.polled()
        self.goes()
        self.assertEqual(self.peer.waited(), 0.5)

    def test_no_subprotocol(self) -> None:
        """Something else answers there."""
        self.peer.subprotocols = None
        self.channel.polled()
        self.goes()
        self.assertEqual(self.peer.waited(), DAY)

    def test_a_token_that_two_use(self) -> None:
        """It is said, as a warning, and once."""
        self.up()
        for _ in range(3):
            self.peer.line.closes(IN_USE)
            self.peer.waited()
            self.goes()
        said = [line for line in self.said() if "another installation uses" in line]
        self.assertEqual(len(said), 1)

    def test_a_second_process(self) -> None:
        self.up()
        self.peer.line.closes(TAKEN_OVER)
        self.goes()
        self.assertIn("another process of this installation", "".join(self.said()))


class HostileTests(ChannelCase):
    def test_what_is_no_message(self) -> None:
        for text in (b"", b"[]", b"{", b'{"type": "held"}', b"\xff", b'"' + b"[" * 5000):
            self.up()
            self.peer.line.says_text(text)
            self.goes()
            self.assertEqual(self.user.told[-1], "down", text)
            self.peer.waited()
            self.goes()

    def test_a_message_that_is_too_long(self) -> None:
        self.up()
        self.peer.line.says_text(b'{"type": "later", "x": "%s"}' % (b"x" * 16384))
        self.goes(CLOSING)
        self.assertIn("down", self.user.told)

    def test_more_than_a_server_has_to_say(self) -> None:
        """The reactor belongs to the captures."""
        self.up()
        hints = 0
        while not self.peer.line.is_lost and hints < 2 * MOST_AT_ONCE:
            self.peer.line.says(ChangedMessage(7, 4))
            hints += 1
        self.assertLessEqual(hints, MOST_AT_ONCE + 5)
        self.goes()
        self.assertEqual(self.user.told[-1], "down")

    def test_no_secret(self) -> None:
        """Neither the log nor a name of the channel's has the token."""
        self.peer.status = 403
        self.channel.polled()
        self.goes()
        self.assertNotIn("s3cret", "".join(self.said()) + repr(self.events))
