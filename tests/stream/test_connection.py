"""One stream's body: bytes to messages, silence, the end and who hears of it."""

import gzip
from collections.abc import Callable
from random import Random
from typing import Any, cast

import attrs
from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tcclient.http.gunzip import Gunzip
from tcclient.ledger.endings import Ending
from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.runtime.backoff import Trouble
from tcclient.stream.connection import Connection, Timing
from tcclient.stream.fastpath.chunks import Pieces
from tcclient.stream.fastpath.inbox import SHORT
from tcclient.stream.framing import Overlong
from tcclient.stream.standstill import REST_OF_IT
from tcclient.stream.streamapi import StreamListener
from tcclient.stream.unpacking import MOST_INFLATED
from tcclient.stream.valve import (
    AT_ONCE,
    MOST_BEHIND_A_REST,
    MOST_UNREAD,
    REST,
    rest_within,
)
from tests.peers import DONE, STALL, FakeTransport, clock_at, settle

TIMING = Timing(proof=10, drain=1, goodbye=5)


@attrs.define
class Listener(StreamListener):
    """Hears everything; raises ZeroDivisionError where it is told what `fails`."""

    told: list[Any] = attrs.field(factory=list)
    messages: list[bytes | Overlong] = attrs.field(factory=list)
    when_received: Callable[[], object] = lambda: None
    fails: str = ""

    def ended(self, ending: Ending) -> None:
        """A connection never says this itself."""
        raise AssertionError(ending)

    def opened(self) -> None:
        """Note that the body begins."""
        self.told.append("opened")

    def heard(self) -> None:
        """Note that the first byte has come."""
        self._tell("heard")

    def proved(self) -> None:
        """Note that the connection has lasted."""
        self._tell("proved")

    def received(self, messages: list[bytes | Overlong]) -> None:
        """Keep the messages."""
        self.messages += messages
        if self.fails == "received":
            raise ZeroDivisionError
        self.when_received()

    def _tell(self, what: str) -> None:
        if self.fails == what:
            raise ZeroDivisionError
        self.told.append(what)


class Reader(Protocol):
    """What txTwitter would put there; it must never get a byte."""

    def __init__(self, told: list[Any]) -> None:
        self._told = told

    def connectionMade(self) -> None:
        self._told.append("made")

    def dataReceived(self, data: bytes) -> None:
        self._told.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._told.append(reason.type)


class ConnectionTestCase(SynchronousTestCase):
    """A connection in memory; no timer outlives its end."""

    timing = TIMING

    def setUp(self) -> None:
        self.clock = clock_at()
        self.listener = Listener()
        self.connect()
        self.addCleanup(self._end)

    def connect(self, decoder: Gunzip | None = None, deaf: bool = False) -> None:
        """A new connection instead of the last one."""
        self.transport = FakeTransport(deaf)
        self.connection = Connection(
            self.listener, self.listener.proved, decoder, STALL, self.clock, self.timing
        )
        self.connection.in_front_of(Reader(self.listener.told))
        self.transport.protocol = self.connection
        self.connection.makeConnection(cast(Any, self.transport))

    def _end(self) -> None:
        self.transport.ends(DONE)
        self.clock.advance(TIMING.goodbye + STALL)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def says(self, data: bytes) -> None:
        """Bytes arrive."""
        self.connection.dataReceived(data)

    def says_pieces(self, *pieces: bytes) -> None:
        """The same in chunks of one read."""
        read, spans = b"", []
        for piece in pieces:
            read += b"\r\n7\r\n"
            spans.append((len(read), len(read) + len(piece)))
            read += piece
        self.connection.piecesReceived(Pieces(read, spans))

    def cause(self) -> str:
        """Why it ended, in a word."""
        assert self.connection.ending is not None
        return self.connection.ending.cause


class MessageTests(ConnectionTestCase):
    """What arrives goes to who receives it, and to nobody else."""

    def test_in_any_pieces(self) -> None:
        """Messages are the same wherever the bytes are cut."""
        self.says(b'{"a":1}\r\n\r\n{"b":"\xc3')
        self.says(b'\xa9"}\r')
        self.says(b"\n{")
        self.assertEqual(self.listener.messages, [b'{"a":1}', '{"b":"é"}'.encode()])
        self.assertEqual(self.connection.incomplete, 1)

    def test_pieces_of_one_read(self) -> None:
        """In order, each once; what is cut goes on in the next read."""
        self.says_pieces(b"1\r\n", b'{"2":', b'"x"}\r\n', b"3\r\n", b"4\r\n5\n", b"\r\n", b"6")
        self.says_pieces(b"\r\n", b"7\r\n")
        messages = [b"1", b'{"2":"x"}', *(b"%d" % number for number in range(3, 8))]
        self.assertEqual(self.listener.messages, messages)

    def test_reader_hears_of_beginning_and_end_only(self) -> None:
        """Never a byte: it would parse, and drop the connection on a long line."""
        self.says(b"x" * 50_000 + b"\r\n")
        self.transport.ends(DONE)
        self.assertEqual(self.listener.told[:2], ["made", "opened"])
        self.assertEqual(self.listener.told[2:], ["heard", DONE.type])

    def test_a_beginning_that_is_the_end(self) -> None:
        """A connection that is ended for what it said first has not been heard."""
        self.listener.when_received = lambda: self.connection.end(Ending("duplicate", "too many"))
        self.says(b"Exceeded connection limit for user\r\n")
        self.assertNotIn("heard", self.listener.told)

    def test_messages_that_end_nowhere(self) -> None:
        """What was cut is counted, not delivered."""
        self.says(b"{}\r\n" + b"y" * 100)
        self.transport.ends(DONE)
        self.assertEqual((self.listener.messages, self.connection.incomplete), ([b"{}"], 100))

    def test_a_message_that_comes_slowly(self) -> None:
        """Until it has ended, nothing that came since it began can be kept."""
        for said, silent in (
            (b"{}\r\n{", 0.0),
            (b'"a":', 1.0),
            (b"1", 2.0),
            (b"}\r\n{", 0.0),
            (b"}", 1.0),
            (b"\r\n", 0.0),
            (b"\r\n", 0.0),
            (b"\r\n{", 0.0),
        ):
            self.says(said)
            self.assertEqual(self.connection.silent, silent)
            self.clock.advance(1)
            self.assertEqual(self.connection.silent, silent + 1)


MUCH = b"\r\n" * SHORT
"""More than is read where nothing waits behind it."""


class StandstillTests(ConnectionTestCase):
    """This process reads nothing for a while, whatever comes."""

    timing = Timing(still=0.5)

    def test_what_is_read_then_had_been_waiting(self) -> None:
        """The silence goes on until as much time has passed again, with much at each read."""
        self.says(b"{}\r\n")
        self.clock.rightNow += 2.0  # nothing is called meanwhile
        self.says(MUCH)
        self.assertEqual(self.connection.silent, 2.0)
        for _ in range(7):
            self.clock.pump([0.25])
            self.says(MUCH)
        self.assertEqual(self.connection.silent, 3.75)
        self.clock.pump([0.25])
        self.assertEqual(self.connection.silent, 0.25 + REST_OF_IT)

    def test_a_read_that_may_have_left_something(self) -> None:
        """What it left may be as old as the last short read, but no older than can wait."""
        self.says(b"{}\r\n")
        self.clock.pump([0.125] * 3)
        self.says(MUCH)
        self.assertEqual(self.connection.silent, 0.375)
        self.clock.pump([0.125] * 3)
        self.says(MUCH)
        self.assertEqual(self.connection.silent, REST_OF_IT)
        self.says(b"{}\r\n")
        self.assertEqual(self.connection.silent, 0.0)

    def test_until_nothing_waits(self) -> None:
        """A short read has emptied the socket: soon all is read that was on its way."""
        self.says(b"{}\r\n")
        self.clock.rightNow += 20.0
        self.says(MUCH)
        self.says(b"{}\r\n")
        self.clock.pump([0.25])
        self.assertEqual(self.connection.silent, 20.25)
        self.clock.pump([0.25])
        self.assertEqual(self.connection.silent, 0.5)

    def test_one_after_the_other(self) -> None:
        """They do not add up, where all was read in between."""
        for _ in range(9):
            self.clock.rightNow += 0.75
            self.says(b"{}\r\n")
            self.clock.pump([0.25] * 4)
        self.clock.rightNow += 0.75
        self.assertEqual(self.connection.silent, 1.75)

    def test_of_a_quiet_stream(self) -> None:
        """That nothing comes is no standstill."""
        self.clock.pump([0.25] * 20)
        self.says(b"{}\r\n")
        self.assertEqual(self.connection.silent, 0.0)

    def test_longer_than_a_stall(self) -> None:
        """What has come meanwhile is read first: a timer may be called before the socket is."""
        for comes in (True, False):
            self.connect()
            self.clock.rightNow += 2 * STALL  # nothing is called meanwhile
            self.clock.advance(0)
            self.assertIsNone(self.connection.ending)
            if comes:
                self.says(b"{}\r\n")
            self.clock.advance(REST_OF_IT)
            self.assertEqual(self.connection.ending is None, comes)


class GzipTests(ConnectionTestCase):
    """Compressed bodies."""

    def test_cut_anywhere(self) -> None:
        """Every piece is inflated as it comes, one member after the other."""
        random = Random(3)
        lines = [b"%d %s" % (n, random.randbytes(20).hex().encode()) for n in range(200)]
        body = b"".join(gzip.compress(line + b"\r\n") for line in lines)
        self.connect(Gunzip())
        while body:
            size = random.randint(1, 60)
            self.says(body[:size])
            body = body[size:]
        self.assertEqual(self.listener.messages, lines)

    def test_pieces_of_one_read(self) -> None:
        """Together they are what was compressed."""
        body = gzip.compress(b"1\r\n2\r\n") + gzip.compress(b"3\r\n")
        self.connect(Gunzip())
        self.says_pieces(body[:5], body[5:11], body[11:])
        self.assertEqual(self.listener.messages, [b"1", b"2", b"3"])

    def test_a_bomb_is_inflated_in_pieces(self) -> None:
        """A message of 64 MiB is an over-long one, whatever it was packed into."""
        self.connect(Gunzip())
        self.says(gzip.compress(b"\0" * (1 << 26) + b"\n{}\n"))
        settle(self.clock, (1 << 26) // MOST_INFLATED + 1)
        self.assertIsInstance(self.listener.messages[0], Overlong)
        self.assertEqual(self.listener.messages[1:], [b"{}"])

    def test_the_reactor_turns_meanwhile(self) -> None:
        """
        A read that inflates to much is taken in many turns, nothing else is read between them, and
        neither what comes behind it nor the end overtakes it.
        """
        body = gzip.compress(b"\r\n" * (1 << 24) + b"1\n")
        self.connect(Gunzip())
        self.says(body[:-20])
        self.assertFalse(self.transport.reading)
        self.says(body[-20:] + gzip.compress(b"2\n"))
        self.transport.ends(DONE)
        others: list[bool] = []

        def turn() -> None:
            others.append(self.transport.reading)
            if DONE.type not in self.listener.told:
                self.clock.callLater(0, turn)

        turn()
        self.clock.advance(0)
        self.assertGreaterEqual(len(others), (1 << 25) // MOST_INFLATED)
        self.assertEqual(set(others), {False})
        self.assertEqual(self.listener.messages, [b"1", b"2"])

    def test_corrupt(self) -> None:
        """What was good before is kept; the connection is ended."""
        self.connect(Gunzip())
        self.says(gzip.compress(b"{}\n") + b"this is no gzip")
        self.assertEqual(self.listener.messages, [b"{}"])
        self.assertEqual(self.cause(), "corrupt")
        self.assertTrue(self.transport.hung_up)

    def test_corrupt_from_the_first_byte(self) -> None:
        """Plain text under the name of gzip."""
        self.connect(Gunzip())
        self.says(b'{"a":1}\r\n')
        self.assertEqual((self.listener.messages, self.cause()), ([], "corrupt"))


class FaultTests(ConnectionTestCase):
    def test_a_fault_of_our_own(self) -> None:
        """It is logged where it was raised, and costs the connection and a wait."""
        for what in ("received", "proved", "heard"):
            self.connect()
            self.clock.advance(TIMING.proof)
            self.listener.fails = what
            self.says_pieces(b"{}\n")
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1, what)
            assert self.connection.ending is not None
            self.assertEqual(
                (self.connection.ending.cause, self.connection.ending.trouble),
                ("failed", Trouble.HTTP),
            )
            self.transport.ends(DONE)


class SilenceTests(ConnectionTestCase):
    """A dead peer says nothing; a living one at least keep-alives."""

    def test_silence_ends_it(self) -> None:
        """After STALL seconds, not before."""
        self.clock.advance(STALL - 0.001)
        self.assertFalse(self.transport.hung_up)
        self.clock.advance(0.001)
        self.assertTrue(self.transport.hung_up)
        self.assertEqual(self.cause(), "stall")

    def test_each_byte_counts(self) -> None:
        """Keep-alives, and pieces of a message."""
        for data in (b"\r\n", b"{", b"\r\n"):
            self.clock.advance(STALL - 1)
            self.says(data)
        self.clock.advance(STALL - 0.001)
        self.assertFalse(self.transport.hung_up)
        self.clock.advance(0.002)
        self.assertTrue(self.transport.hung_up)

    def test_clock_set_back(self) -> None:
        """The silence is measured anew; it neither ends at once nor never."""
        self.clock.advance(30)
        self.says(b"\r\n")
        self.clock.rightNow -= 3600
        self.clock.advance(3600 + STALL)
        self.clock.advance(STALL)
        self.assertTrue(self.transport.hung_up)


class SleepTests(ConnectionTestCase):
    """The machine sleeps; the clock stands still meanwhile."""

    def test_longer_than_a_stall(self) -> None:
        """It ends the connection at once; the silence has both parts."""
        self.says(b"{}\r\n")
        self.clock.advance(3)
        self.connection.slept(STALL)
        self.assertEqual(self.cause(), "sleep")
        self.assertEqual(self.connection.silent, STALL + 3)

    def test_a_nap(self) -> None:
        """It brings the end of a silent connection nearer; the next byte is as good as any."""
        for byte in (b"", b"{}\r\n"):
            self.connect()
            self.connection.slept(STALL - 10)
            if byte:
                self.says(byte)
            self.clock.advance(9)
            self.assertIsNone(self.connection.ending)
            self.clock.advance(1)
            self.assertEqual(self.connection.ending is None, byte != b"")

    def test_several(self) -> None:
        """They add up."""
        self.connection.slept(STALL / 2)
        self.assertIsNone(self.connection.ending)
        self.connection.slept(STALL / 2)
        self.assertEqual(self.cause(), "sleep")

    def test_while_paused(self) -> None:
        """A pause of our own ends nothing, and a sleep does."""
        self.connection.pauseProducing()
        self.clock.advance(5 * STALL)
        self.connection.slept(STALL - 1)
        self.assertIsNone(self.connection.ending)
        self.connection.slept(1)
        self.assertEqual(self.cause(), "sleep")

    def test_after_the_end(self) -> None:
        """It is passed over."""
        self.connection.end(Ending("closed", "it was closed"))
        self.connection.slept(STALL)
        self.assertEqual(self.cause(), "closed")


class ProofTests(ConnectionTestCase):
    """A connection is good once a byte came some seconds after its beginning."""

    def test_proof(self) -> None:
        """Said once."""
        self.clock.advance(TIMING.proof - 0.001)
        self.says(b"\r\n")
        self.assertFalse(self.connection.good)
        self.clock.advance(0.001)
        self.says(b"\r\n")
        self.says(b"\r\n")
        self.assertTrue(self.connection.good)
        self.assertEqual(self.listener.told.count("proved"), 1)

    def test_time_alone_proves_nothing(self) -> None:
        """Without a byte it may be dead."""
        self.clock.advance(STALL - 1)
        self.assertFalse(self.connection.good)


class EndTests(ConnectionTestCase):
    """Hanging up."""

    def test_the_first_reason_counts(self) -> None:
        """What follows is a consequence."""
        self.connect(deaf=True)
        self.connection.end(Ending("disconnect", "a"))
        self.connection.end(Ending("stopped", "b"))
        self.assertEqual(self.cause(), "disconnect")

    def test_a_transport_that_never_reports_its_end(self) -> None:
        """It is not waited for beyond the good-bye time."""
        self.connect(deaf=True)
        self.connection.hang_up()
        self.clock.advance(TIMING.goodbye - 0.001)
        self.assertNotIn(ConnectionAborted, self.listener.told)
        self.clock.advance(0.001)
        self.assertEqual(self.listener.told[-1], ConnectionAborted)

    def test_nothing_is_heard_after_the_good_bye(self) -> None:
        """Its listener has gone on: neither bytes nor another end may reach it."""
        self.connect(deaf=True)
        self.connection.hang_up()
        self.clock.advance(TIMING.goodbye)
        heard = list(self.listener.told)
        self.clock.advance(TIMING.proof)
        self.says(b'{"late":1}\r\n')
        self.transport.ends(DONE)
        self.assertEqual((self.listener.told, self.listener.messages), (heard, []))

    def test_hanging_up_twice(self) -> None:
        """Once is enough, before and after the end."""
        self.connect(deaf=True)
        self.connection.hang_up()
        self.clock.advance(TIMING.goodbye - 1)
        self.connection.hang_up()
        self.clock.advance(1)
        self.connection.hang_up()
        self.assertEqual(self.listener.told.count(ConnectionAborted), 1)


class DrainTests(ConnectionTestCase):
    """What had arrived before hanging up is read."""

    def draining(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.connection.drain())

    def talk(self, times: int, seconds: float = 0.0) -> None:
        """A message at each turn of the reactor, each of which takes so many seconds."""
        self.clock.rightNow += seconds
        self.says(b"{}\n")
        if times > 1:
            self.clock.callLater(0, self.talk, times - 1, seconds)

    def test_nothing_there(self) -> None:
        """Two turns of the reactor, and no time."""
        drained = self.draining()
        self.assertNoResult(drained)
        settle(self.clock)
        self.successResultOf(drained)

    def test_what_is_there(self) -> None:
        """As long as each turn brings something."""
        drained = self.draining()
        self.clock.callLater(0, self.talk, 50)
        settle(self.clock)
        self.successResultOf(drained)
        self.assertEqual(len(self.listener.messages), 50)

    def test_a_peer_that_never_pauses(self) -> None:
        """Is listened to for a bounded time."""
        drained = self.draining()
        drained.addCallback(lambda _: self.connection.end(Ending("stopped", "")))
        self.clock.callLater(0, self.talk, 50, TIMING.drain / 8)
        settle(self.clock)
        self.successResultOf(drained)
        self.assertEqual(len(self.listener.messages), 8)

    def test_an_end_meanwhile(self) -> None:
        """Then there is nothing to wait for."""
        drained = self.draining()
        self.says(b"{}\n")
        self.transport.ends(DONE)
        self.clock.advance(0)
        self.successResultOf(drained)


class PauseTests(ConnectionTestCase):
    """Reading stops while the connection is paused."""

    def test_pausing_and_resuming(self) -> None:
        """Each counts once; resuming what is not paused changes nothing."""
        for act, reading in (
            (self.connection.resumeProducing, True),
            (self.connection.pauseProducing, False),
            (self.connection.pauseProducing, False),
            (self.connection.resumeProducing, True),
            (self.connection.resumeProducing, True),
        ):
            act()
            self.assertEqual(self.transport.reading, reading, act)

    def test_what_was_read_already(self) -> None:
        """Is delivered; and a body that Twisted resumes at its beginning is paused again."""
        self.connection.pauseProducing()
        self.transport.resumeProducing()
        self.says(b"{}\n")
        self.assertEqual((self.listener.messages, self.transport.reading), ([b"{}"], False))

    def test_silence_while_paused(self) -> None:
        """Is our own; it counts anew from when reading goes on."""
        self.clock.advance(STALL - 1)
        self.connection.pauseProducing()
        self.clock.pump([STALL / 2] * 10)
        self.assertFalse(self.transport.hung_up)
        self.connection.resumeProducing()
        self.clock.advance(STALL - 1)
        self.assertFalse(self.transport.hung_up)
        self.clock.advance(STALL)
        self.assertEqual(self.cause(), "stall")

    def test_draining(self) -> None:
        """There is nothing to wait for: what cannot be taken stays where it is."""
        self.connection.pauseProducing()
        drained = Deferred.fromCoroutine(self.connection.drain())
        settle(self.clock)
        self.successResultOf(drained)
        self.assertFalse(self.transport.reading)

    def test_hanging_up(self) -> None:
        """It ends at once, and resuming it later touches nothing."""
        self.connection.pauseProducing()
        self.connection.hang_up()
        self.assertTrue(self.transport.hung_up)
        self.connection.resumeProducing()
        self.assertFalse(self.transport.reading)


class RestTests(ConnectionTestCase):
    """Reading that waits for more to come, within bounds."""

    timing = structs.replace(TIMING, rest=0.02)

    def says_often(self, size: int = 100) -> None:
        """Two reads, the second of that size, a moment after the first."""
        self.says(b"{}\n")
        self.clock.advance(0.01)
        self.says(b"x" * size)

    def test_short_reads_close_together(self) -> None:
        """What came is delivered at once; what comes after it may wait for 20 ms."""
        self.says(b"{}\n")
        self.assertFalse(self.transport.reading)
        self.assertEqual(self.listener.messages, [b"{}"])
        self.clock.advance(0.0199)
        self.assertFalse(self.transport.reading)
        self.clock.advance(0.0002)
        self.assertTrue(self.transport.reading)

    def test_reads_far_apart(self) -> None:
        """Each is waited for as it comes: two wake-ups would be more than one."""
        for _ in range(3):
            self.clock.advance(0.021)
            self.says(b"{}\n")
            self.assertTrue(self.transport.reading)

    def test_what_came_in_a_rest(self) -> None:
        """It is read at once then, and the next rest begins with it: what comes later waits not."""
        self.says(b"{}\n")
        for _ in range(3):
            self.clock.advance(0.0201)
            self.says(b"{}\n")
            self.assertFalse(self.transport.reading)
        self.clock.advance(0.0201 + AT_ONCE)
        self.says(b"{}\n")
        self.assertTrue(self.transport.reading)

    def test_much_that_comes(self) -> None:
        """A rest is as short as keeps what comes in it from being more than MOST_UNREAD."""
        for much, rest in ((MOST_UNREAD // 2, 0.02), (4 * MOST_UNREAD, 0.005)):
            self.says(b"{}\n")
            self.clock.advance(0.02)
            self.says(b"x" * much)
            self.assertTrue(self.transport.reading)
            self.says(b"\n")
            self.clock.advance(rest - 0.0001)
            self.assertFalse(self.transport.reading)
            self.clock.advance(0.0002)
            self.assertTrue(self.transport.reading)

    def test_a_read_that_left_something(self) -> None:
        """There is no waiting where there is more already."""
        self.clock.advance(1)
        self.says_often(SHORT)
        self.assertTrue(self.transport.reading)
        self.says_often(SHORT - 1)
        self.assertFalse(self.transport.reading)

    def reads(self, size: int, *, is_all: bool) -> bool:
        """So much is read; return whether the transport reads on."""
        self.connection.piecesReceived(Pieces(b"x" * size, [(0, size)], is_all))
        return self.transport.reading

    def test_much_behind_a_rest(self) -> None:
        """If that is all there is, and not too much, the next rest begins; or else it reads on."""
        for size, is_all, reads_on in (
            (SHORT, True, False),
            (MOST_BEHIND_A_REST - 1, True, False),
            (SHORT, False, True),
            (MOST_BEHIND_A_REST, True, True),
        ):
            self.connect()
            self.assertFalse(self.reads(1, is_all=True))
            self.clock.advance(0.0201)
            self.assertEqual(self.reads(size, is_all=is_all), reads_on, (size, is_all))

    def test_much_without_a_rest(self) -> None:
        """The other side sends as fast as it can: a rest would have it wait."""
        for _ in range(5):
            self.assertTrue(self.reads(SHORT, is_all=True))
            self.clock.advance(0.001)

    def test_more_that_was_read_already(self) -> None:
        """The records of one read do not prolong it."""
        self.says(b"{}\n")
        self.clock.advance(0.015)
        self.says(b"{}\n")
        self.clock.advance(0.0051)
        self.assertTrue(self.transport.reading)

    def test_paused_meanwhile(self) -> None:
        """The rest ends, and reading does not begin before it is resumed."""
        self.says(b"{}\n")
        self.connection.pauseProducing()
        self.clock.advance(1)
        self.assertFalse(self.transport.reading)
        self.connection.resumeProducing()
        self.assertTrue(self.transport.reading)

    def test_draining(self) -> None:
        """Is no time to rest, neither at its beginning nor at what it finds."""
        self.says(b"{}\n")
        drained = Deferred.fromCoroutine(self.connection.drain())
        self.assertTrue(self.transport.reading)
        self.says(b"{}\n")
        self.assertTrue(self.transport.reading)
        settle(self.clock)
        self.successResultOf(drained)
        self.says(b"{}\n")
        self.assertFalse(self.transport.reading)

    def test_the_end(self) -> None:
        """Is not waited for, and no timer is left."""
        self.says(b"{}\n")
        self.assertFalse(self.transport.reading)
        self.connection.hang_up()
        self.assertTrue(self.transport.hung_up)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_its_share(self) -> None:
        """A post waits no longer than it may: less than that in the socket, the rest of it here."""
        for wait, rest in ((0.0, 0.0), (0.01, 0.009), (0.1, 0.09), (0.14, REST), (10.0, REST)):
            self.assertAlmostEqual(rest_within(wait), rest)

    def test_a_reset_after_it(self) -> None:
        """What a reset takes away unread, a gap covers: it begins earlier by two rests."""
        self.assertLess(2 * REST, IN_FLIGHT)

    def test_silence(self) -> None:
        """It counts from the last byte."""
        self.says(b"{}\n")
        self.clock.pump([0.02, STALL - 0.0201])
        self.assertFalse(self.transport.hung_up)
        self.clock.advance(0.0002)
        self.assertEqual(self.cause(), "stall")
