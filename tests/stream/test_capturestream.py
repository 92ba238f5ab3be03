"""One stream's life: connecting, the waits between attempts, and every way to stop it."""

import gzip

import attrs
from msgspec import structs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import PotentialDataLoss

from tcclient.http.gunzip import HIDDEN
from tcclient.ledger.endings import Ending
from tcclient.runtime.backoff import Backoff, Trouble
from tcclient.sources.twitter_v1.api import DUPLICATE
from tcclient.sources.twitter_v1.query import Query
from tcclient.stream.capturestream import MOST_EXPLANATION, CaptureStream, Upstream
from tcclient.stream.connection import Timing
from tcclient.stream.fastpath.inbox import SHORT
from tcclient.stream.framing import Overlong
from tcclient.stream.standstill import REST_OF_IT
from tcclient.stream.streamapi import StreamListener
from tests.peers import KEYS, STALL, FakeApi, Peer, clock_at, settle, upstream

CATS, DOGS = Query(("cats",)), Query(("dogs",))
TIMING = Timing()
STOPPED = Ending("stopped", "the capture was stopped")


@attrs.define
class Ear(StreamListener):
    """Keeps what it hears."""

    times_opened: int = 0
    waits: list[Deferred[None]] = attrs.field(factory=list)
    messages: list[bytes | Overlong] = attrs.field(factory=list)
    endings: list[Ending] = attrs.field(factory=list)

    @property
    def ending(self) -> Ending:
        """The last one."""
        return self.endings[-1]

    @property
    def explanation(self) -> str:
        """What the last one, a refusal, is explained with."""
        assert self.ending.refusal is not None
        return self.ending.refusal.explanation

    def answered(self) -> Deferred[None]:
        """Be ready when the last one of `waits` has fired, at once where there is none."""
        return self.waits[-1] if self.waits else succeed(None)

    def opened(self) -> None:
        """Count it."""
        self.times_opened += 1

    def heard(self) -> None:
        """Pass over it."""

    def received(self, messages: list[bytes | Overlong]) -> None:
        """Keep the messages."""
        self.messages += messages

    def ended(self, ending: Ending) -> None:
        """Keep the ending."""
        self.endings.append(ending)


class StreamTestCase(SynchronousTestCase):
    """A stream to a peer in memory; when it has stopped no timer is left."""

    def setUp(self) -> None:
        self.clock: Clock = clock_at()
        self.api = FakeApi()
        self.upstream: Upstream[Query] = upstream(self.api, self.clock)
        self.ear = Ear()
        self.streams: list[CaptureStream[Query]] = []
        self.addCleanup(self._end)

    def _end(self) -> None:
        for stream in self.streams:
            if stream.running:
                stopped = stream.stopService()
                self.clock.advance(TIMING.goodbye)
                self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    @property
    def peer(self) -> Peer:
        """The other side of the newest attempt."""
        return self.api.peer

    @property
    def attempts(self) -> int:
        """How often the API was asked."""
        return len(self.api.peers)

    def start(self, query: Query = CATS) -> CaptureStream[Query]:
        """A new instance, as each capture and each keyword change makes one."""
        stream = CaptureStream(self.upstream, query, self.ear)
        self.streams.append(stream)
        stream.startService()
        return stream

    def connect(self, coding: str = "", deaf: bool = False) -> CaptureStream[Query]:
        """A stream that has been answered with 200."""
        stream = self.start()
        self.peer.answers(coding=coding, deaf=deaf)
        return stream

    def prove(self) -> None:
        """The connection lasts, and a keep-alive comes."""
        self.clock.advance(TIMING.proof)
        self.peer.says(b"\r\n")

    def comes_back_after(self, seconds: float) -> None:
        """The next attempt is made then, and not before."""
        before = self.attempts
        if seconds:
            self.clock.advance(seconds - 0.001)
            self.assertEqual(self.attempts, before, f"came back before {seconds} s")
            self.clock.advance(0.002)
        else:
            self.clock.advance(0)
        self.assertEqual(self.attempts, before + 1, f"did not come back after {seconds} s")
        self.assertAlmostEqual(self.ear.ending.wait or 0.0, seconds)


class SleepTests(StreamTestCase):
    """The machine sleeps while a stream waits, and the clock of timers stands still."""

    def sleeps(self, seconds: float, *streams: CaptureStream[Query]) -> None:
        """A source tells the wait that streams share, and each stream."""
        self.upstream.backoff.slept(seconds)
        for stream in streams:
            stream.slept(seconds)

    def test_it_counts_for_the_wait(self) -> None:
        """What is left of it is waited for at the awakening, if anything is."""
        for asleep, left in ((0.0, 60.0), (20.0, 40.0), (60.0, 0.0), (9999.0, 0.0)):
            self.setUp()
            stream = self.start()
            self.peer.refuses(420)
            self.sleeps(asleep, stream)
            self.clock.advance(max(0.0, left - 0.001))
            self.assertEqual(self.attempts, 1 if left else 2, asleep)
            self.clock.advance(0.002)
            self.assertEqual(self.attempts, 2, asleep)

    def test_it_counts_for_a_new_stream(self) -> None:
        """Which waits for what the one before has met; however many streams are told."""
        first = self.start()
        self.peer.refuses(420)
        self.clock.advance(10.0)
        self.successResultOf(first.stopService())
        second = self.start(DOGS)
        self.sleeps(20.0, first, second)
        self.clock.advance(29.999)
        self.assertEqual(self.attempts, 1)
        self.clock.advance(0.002)
        self.assertEqual(self.attempts, 2)


class OpenTests(StreamTestCase):
    """A stream that is answered."""

    def test_opened_on_the_head(self) -> None:
        """200 and the headers are enough; no message has to come."""
        stream = self.start()
        self.assertEqual((stream.connected, self.ear.times_opened), (False, 0))
        self.peer.answers()
        self.assertEqual((stream.connected, self.ear.times_opened), (True, 1))

    def test_messages(self) -> None:
        """In order, bytes untouched, keep-alives left out."""
        self.connect()
        self.peer.says(b'{"a":1}\r\n{"b" : 2}\r\n\r\n{"c')
        self.peer.says(b'":3}\r\n')
        self.assertEqual(self.ear.messages, [b'{"a":1}', b'{"b" : 2}', b'{"c":3}'])

    def test_long_messages(self) -> None:
        """txTwitter would drop the connection beyond 16 KiB."""
        self.connect()
        self.peer.says(b"x" * 200_000 + b"\r\n" + b"y" * (2 << 20) + b"\r\n{}\r\n")
        self.assertEqual(self.ear.messages[0], b"x" * 200_000)
        self.assertIsInstance(self.ear.messages[1], Overlong)
        self.assertEqual(self.ear.messages[2], b"{}")
        self.assertFalse(self.peer.hung_up)

    def test_what_is_asked_for(self) -> None:
        """The query of the instance, at each attempt."""
        self.start(DOGS)
        self.peer.fails(ConnectionRefusedError())
        self.clock.advance(1)
        self.assertEqual([peer.query for peer in self.api.peers], [DOGS, DOGS])

    def test_gzip(self) -> None:
        """Inflated as it comes."""
        self.connect(coding="gzip")
        for byte in gzip.compress(b'{"a":1}\r\n'):
            self.peer.says(bytes([byte]))
        self.assertEqual(self.ear.messages, [b'{"a":1}'])

    def test_corrupt_gzip(self) -> None:
        """Ends the connection with its own cause."""
        self.connect(coding="gzip")
        self.peer.says(b"no gzip at all")
        self.assertEqual(self.ear.ending.cause, "corrupt")
        self.assertTrue(self.peer.hung_up)
        self.comes_back_after(0.25)

    def test_unknown_coding(self) -> None:
        """What cannot be read is hung up on, not left open, attempt after attempt."""
        self.connect(coding="br")
        self.assertIn("br", self.ear.ending.detail)
        self.assertTrue(self.peer.hung_up)
        self.comes_back_after(0.25)


class ReadyTests(StreamTestCase):
    """Whoever hears of a stream needs some time before it can take what comes."""

    def setUp(self) -> None:
        super().setUp()
        self.ear.waits.append(Deferred())

    def test_it_is_waited_for(self) -> None:
        """The request is made, and what answers it is read when it is ready."""
        stream = self.connect()
        self.assertEqual(
            (stream.reaches, stream.connected, self.ear.times_opened), (True, False, 0)
        )
        self.assertIsNone(self.peer.transport.protocol)
        self.ear.waits[-1].callback(None)
        self.assertEqual((stream.connected, self.ear.times_opened), (True, 1))
        self.peer.says(b"{}\r\n")
        self.assertEqual(self.ear.messages, [b"{}"])

    def test_nobody_waits_for_it_any_more(self) -> None:
        """After a stop: the answer is hung up on."""
        told: list[str] = []
        self.ear.waits.append(Deferred(lambda _: told.append("cancelled")))
        stream = self.connect()
        self.assertEqual(told, [])
        self.successResultOf(stream.stopService())
        self.assertEqual((told, self.peer.hung_up), (["cancelled"], True))

    def test_a_refusal(self) -> None:
        """Nobody asks."""
        self.start()
        self.peer.refuses(503)
        self.assertEqual((self.ear.ending.status, self.ear.waits[-1].called), (503, False))

    def test_it_fails(self) -> None:
        """That is a failed attempt; the answer is hung up on, and there is another one."""
        self.connect()
        self.ear.waits[-1].errback(ZeroDivisionError())
        self.assertTrue(self.peer.hung_up)
        self.assertEqual(self.ear.ending.cause, "unreachable")
        self.ear.waits.append(succeed(None))
        self.comes_back_after(0.25)


class StallTests(StreamTestCase):
    """Silence."""

    def test_silence_ends_the_connection(self) -> None:
        """After the API's stall time-out; one that never said a byte proved nothing."""
        stream = self.connect()
        self.clock.advance(STALL - 0.001)
        self.assertFalse(self.peer.hung_up)
        self.clock.advance(0.001)
        self.assertTrue(self.peer.hung_up)
        self.assertFalse(stream.connected)
        self.assertEqual((self.ear.ending.cause, self.ear.ending.status), ("stall", None))
        self.comes_back_after(0.25)

    def test_keep_alives_keep_it(self) -> None:
        """Any byte does."""
        self.connect()
        for _ in range(10):
            self.clock.advance(STALL - 1)
            self.peer.says(b"\r\n")
        first = self.peer
        self.assertFalse(first.hung_up)
        self.clock.advance(STALL)
        self.assertTrue(first.hung_up)
        self.assertEqual((self.attempts, self.ear.ending.wait), (2, 0))


class ComingBackTests(StreamTestCase):
    """How long each kind of trouble makes us wait."""

    def test_at_once_after_a_good_connection(self) -> None:
        """However it ended."""
        for reason in (Failure(PotentialDataLoss()), Failure(ConnectionRefusedError())):
            self.connect()
            self.prove()
            self.peer.closes(reason)
            self.assertEqual((self.ear.ending.cause, self.ear.ending.trouble), ("closed", None))
            self.comes_back_after(0)

    def test_answered_and_closed(self) -> None:
        """Is no good connection, or this would spin: the network ramp, up to its end."""
        self.start()
        for attempt in range(1, 70):
            self.peer.answers()
            self.peer.says(b"{}\r\n")
            self.clock.advance(TIMING.proof - 1)
            self.peer.says(b"{}\r\n")
            self.peer.closes()
            self.comes_back_after(min(attempt * 0.25, 16.0))
        self.assertIs(self.ear.ending.trouble, Trouble.NETWORK)

    def test_no_connection(self) -> None:
        """The same ramp; it starts anew after a good connection, not after a 200."""
        self.start()
        for attempt in range(1, 5):
            self.peer.fails(DNSLookupError())
            self.assertEqual(
                (self.ear.ending.cause, self.ear.ending.detail),
                ("unreachable", "its name cannot be resolved"),
            )
            self.comes_back_after(attempt * 0.25)
        self.peer.answers()
        self.peer.closes()
        self.comes_back_after(5 * 0.25)
        self.peer.answers()
        self.prove()
        self.peer.closes()
        self.comes_back_after(0)
        self.peer.fails(ConnectionRefusedError())
        self.comes_back_after(0.25)

    def test_ramps_of_the_answers(self) -> None:
        """As Twitter documents them; what somebody has to mend is tried at the top."""
        for status, waits in (
            (503, [5, 10, 20, 40, 80, 160, 320, 320]),
            (500, [5, 10]),
            (204, [5]),
            (420, [60, 120, 240, 480, 960, 1920, 3600, 3600]),
            (429, [60, 120]),
            *((status, [320, 320]) for status in (301, 307, 401, 403, 404, 406, 413, 416, 410)),
        ):
            self.upstream = structs.replace(self.upstream, backoff=Backoff())
            stream = self.start()
            for wait in waits:
                self.peer.refuses(status)
                self.assertEqual(
                    (self.ear.ending.cause, self.ear.ending.status), ("refused", status)
                )
                self.comes_back_after(wait)
            self.successResultOf(stream.stopService())

    def test_a_refusal_after_a_good_stream(self) -> None:
        """Credentials that have worked may work again soon: the ramp rises from 5 seconds."""
        for status in (400, 401, 403, 404):
            self.upstream = structs.replace(self.upstream, backoff=Backoff())
            stream = self.connect()
            self.peer.says(b"a post\r\n")
            self.peer.closes()
            self.comes_back_after(0.25)
            for wait in (5, 10, 20, 40, 80, 160, 320, 320):
                self.peer.refuses(status)
                self.comes_back_after(wait)
            self.peer.answers()
            self.prove()
            self.peer.closes()
            self.comes_back_after(0)
            self.peer.refuses(status)
            self.comes_back_after(5)
            self.successResultOf(stream.stopService())

    def test_a_top_that_was_climbed(self) -> None:
        """The trouble that is told is the one whose ramp the waits are those of."""
        self.connect()
        self.peer.says(b"a post\r\n")
        self.peer.closes()
        self.comes_back_after(0.25)
        self.peer.refuses(401)
        trouble = self.ear.ending.trouble
        assert trouble is not None
        self.assertEqual((trouble.value, trouble.is_at_the_top(320)), ("refused", True))

    def test_a_refusal_after_an_answer_without_a_byte(self) -> None:
        """200 alone does not show that these credentials work."""
        self.connect()
        self.peer.closes()
        self.comes_back_after(0.25)
        self.peer.refuses(401)
        self.comes_back_after(320)

    def test_an_announced_trouble(self) -> None:
        """What a message said of the end decides, even after a good connection."""
        stream = self.connect()
        self.prove()
        stream.end(Ending("disconnect", "another client", DUPLICATE))
        self.assertTrue(self.peer.hung_up)
        self.assertEqual(self.ear.ending.cause, "disconnect")
        self.comes_back_after(5)

    def test_an_ordinary_disconnect(self) -> None:
        """Back at once."""
        stream = self.connect()
        self.prove()
        stream.end(Ending("disconnect", "a normal end"))
        self.comes_back_after(0)

    def test_a_cut_message(self) -> None:
        """The ending tells how much was lost."""
        self.connect()
        self.peer.says(b"{}\r\n" + b"x" * 77)
        self.peer.closes()
        self.assertEqual(self.ear.ending.incomplete, 77)

    def test_an_api_that_raises(self) -> None:
        """Is a failed attempt like any other."""
        self.api.broken = ValueError("no such thing")
        self.start()
        self.assertIn("no such thing", self.ear.ending.detail)
        self.api.broken = None
        self.clock.advance(0.25)
        self.assertEqual(self.attempts, 1)

    def test_an_answer_that_takes_too_long(self) -> None:
        """However its head drips in: the whole of it has a time limit."""
        self.start()
        self.clock.advance(TIMING.answer - 0.001)
        self.assertFalse(self.peer.cancelled)
        self.clock.advance(0.001)
        self.assertTrue(self.peer.cancelled)
        self.assertEqual(self.ear.ending.detail, "there was no answer in time")
        self.comes_back_after(0.25)


class RefusalTextTests(StreamTestCase):
    """What the other side says of its refusal."""

    def explanation(self, body: bytes, coding: str = "") -> str:
        """What comes of a 403 with this body."""
        self.start()
        self.peer.answers(403, coding)
        self.peer.says(body)
        self.peer.closes()
        return self.ear.explanation

    def test_page(self) -> None:
        """Its title and its text on one line."""
        page = b"<html><title>Error</title><style>p{}</style>\n<p>Bad\n <b>token</b></p>"
        self.assertEqual(self.explanation(page), "Error: Bad token")

    def test_gzip(self) -> None:
        """It is read like the stream."""
        self.assertEqual(self.explanation(gzip.compress(b"Bad token"), "gzip"), "Bad token")

    def test_unreadable(self) -> None:
        """It is left out, and the refusal still counts."""
        for body, coding in ((b"no gzip", "gzip"), (b"\x01\x02", "br")):
            self.assertEqual(self.explanation(body, coding), "")
            self.assertEqual(self.ear.ending.status, 403)
            self.upstream = structs.replace(self.upstream, backoff=Backoff())

    def test_long(self) -> None:
        """Its beginning is enough; the connection is ended."""
        self.start()
        self.peer.answers(403)
        self.peer.says(b"word " * 10_000)
        self.assertTrue(self.peer.hung_up)
        self.assertLessEqual(len(self.ear.explanation), 300)

    def test_beginning(self) -> None:
        """Of a page that is mark-up for long, what comes later is not looked for."""
        for room, said in ((4, "Word"), (3, "Wor"), (0, "")):
            page = b" " * (MOST_EXPLANATION - room) + b"Word"
            self.assertEqual(self.explanation(page), said)
            self.upstream = structs.replace(self.upstream, backoff=Backoff())

    def test_dripping(self) -> None:
        """What came in time is quoted, and the wait begins."""
        self.start()
        self.peer.answers(420)
        self.peer.says(b"Easy there")
        self.clock.advance(TIMING.explanation - 0.001)
        self.assertEqual(self.ear.endings, [])
        self.clock.advance(0.001)
        self.assertEqual(self.ear.explanation, "Easy there")
        self.assertTrue(self.peer.hung_up)
        self.comes_back_after(60)

    def test_cut(self) -> None:
        """As far as it came."""
        self.start()
        self.peer.answers(401)
        self.peer.says(b"Not auth")
        self.peer.closes(Failure(ConnectionRefusedError()))
        self.assertEqual((self.ear.ending.status, self.ear.explanation), (401, "Not auth"))

    def test_of_the_last_refusal(self) -> None:
        """An old explanation is not shown for a new one."""
        self.explanation(b"Bad token")
        self.clock.advance(320)
        self.peer.refuses(503)
        self.assertEqual(self.ear.explanation, "")

    def test_credentials(self) -> None:
        """A page that repeats the request does not give them away, packed or not."""
        page = f"No {KEYS.api_key.reveal()}, {KEYS.access_token.reveal()} here".encode()
        for body, coding in ((page, ""), (gzip.compress(page), "gzip")):
            self.assertEqual(self.explanation(body, coding), "No ..., ... here")
            self.upstream = structs.replace(self.upstream, backoff=Backoff())

    def test_of_no_refusal(self) -> None:
        """A failure, a stall or an end after a refusal has neither its status nor its words."""
        self.explanation(b"Bad token")
        self.clock.advance(320)
        self.peer.fails(ConnectionRefusedError())
        self.assertEqual((self.ear.ending.status, self.ear.ending.refusal), (None, None))
        self.clock.advance(0.25)
        self.peer.answers()
        self.peer.closes()
        self.assertEqual((self.ear.ending.status, self.ear.ending.refusal), (None, None))


class AskedWaitTests(StreamTestCase):
    """What the other side asks us to wait, at the least."""

    def test_longer_than_the_ramp(self) -> None:
        """It is waited, and the ramp goes on below it."""
        self.api.at_least = 30.0
        self.start()
        for wait in (30, 30, 30, 40, 80):
            self.peer.refuses(503)
            self.comes_back_after(wait)

    def test_shorter_than_the_ramp(self) -> None:
        """The ramp stands."""
        self.api.at_least = 59.0
        self.start()
        self.peer.refuses(420)
        self.comes_back_after(60)

    def test_of_one_refusal_only(self) -> None:
        """The next trouble has its own wait."""
        self.api.at_least = 900.0
        self.start()
        self.peer.refuses(429)
        self.comes_back_after(900)
        self.peer.fails(ConnectionRefusedError())
        self.comes_back_after(0.25)
        self.api.at_least = 0.0
        self.peer.refuses(429)
        self.comes_back_after(120)

    def test_no_stop_and_start_shortens_it(self) -> None:
        """Nor another query."""
        self.api.at_least = 900.0
        for query in (CATS, DOGS):
            self.upstream = structs.replace(self.upstream, backoff=Backoff())
            stream = self.start()
            self.peer.refuses(503)
            self.successResultOf(stream.stopService())
            before = self.attempts
            stream = self.start(query)
            self.clock.advance(899)
            self.assertEqual(self.attempts, before)
            self.clock.advance(1)
            self.assertEqual(self.attempts, before + 1)
            self.successResultOf(stream.stopService())

    def test_stopped_while_the_refusal_was_read(self) -> None:
        """It counts all the same."""
        self.api.at_least = 900.0
        stream = self.start()
        self.peer.answers(503)
        self.successResultOf(stream.stopService())
        self.start()
        self.clock.advance(899)
        self.assertEqual(self.attempts, 1)
        self.clock.advance(1)
        self.assertEqual(self.attempts, 2)

    def test_the_headers_are_there_to_be_asked(self) -> None:
        """The API is given those of the answer."""
        self.start()
        self.peer.answers(503, coding="gzip")
        self.peer.closes()
        self.assertEqual(self.api.headers.getRawHeaders(HIDDEN), ["gzip"])


class SharedWaitTests(StreamTestCase):
    """The waits belong to endpoint and credentials, not to an instance."""

    def stop(self, stream: CaptureStream[Query]) -> None:
        self.successResultOf(stream.stopService())

    def test_no_stop_and_start_shortens_a_wait(self) -> None:
        """Nor another query: 420, 429, 401, 403 and the rest of a ramp hold for all."""
        for status, wait in ((420, 60), (429, 60), (401, 320), (403, 320), (503, 5)):
            for query in (CATS, DOGS):
                self.upstream = structs.replace(self.upstream, backoff=Backoff())
                stream = self.start()
                self.peer.refuses(status)
                self.clock.advance(1)
                self.stop(stream)
                before = self.attempts
                stream = self.start(query)
                self.clock.advance(wait - 1.001)
                self.assertEqual(self.attempts, before, status)
                self.clock.advance(0.002)
                self.assertEqual(self.attempts, before + 1, status)
                self.assertEqual(self.peer.query, query)
                self.stop(stream)

    def test_the_ramp_goes_on(self) -> None:
        """The next 420 after a restart doubles the wait."""
        stream = self.start()
        self.peer.refuses(420)
        self.stop(stream)
        self.start()
        self.clock.advance(60)
        self.peer.refuses(420)
        self.comes_back_after(120)

    def test_a_refused_query(self) -> None:
        """406, 413 and 416 hold for that query only."""
        for status in (406, 413, 416):
            self.upstream = structs.replace(self.upstream, backoff=Backoff())
            stream = self.start()
            self.peer.refuses(status)
            self.stop(stream)
            before = self.attempts
            stream = self.start()
            self.assertEqual(self.attempts, before)
            self.stop(stream)
            self.start(DOGS)
            self.assertEqual(self.attempts, before + 1)

    def test_stopped_while_the_refusal_was_read(self) -> None:
        """It counts all the same: the ban has begun with the answer."""
        stream = self.start()
        self.peer.answers(420)
        self.peer.says(b"Easy")
        self.stop(stream)
        self.assertTrue(self.peer.hung_up)
        self.start()
        self.clock.advance(59)
        self.assertEqual(self.attempts, 1)
        self.clock.advance(1)
        self.assertEqual(self.attempts, 2)

    def test_stopped_while_a_duplicate_login_was_read(self) -> None:
        """What a message announced counts too, or stop and start would throw the other out."""
        stream = self.connect()
        gone = Deferred.fromCoroutine(stream.hang_up(STOPPED))
        stream.end(Ending("disconnect", "another client", DUPLICATE))
        settle(self.clock)
        self.successResultOf(gone)
        self.start()
        self.assertEqual(self.attempts, 1)
        self.clock.advance(5)
        self.assertEqual(self.attempts, 2)

    def test_an_ordinary_stop_imposes_nothing(self) -> None:
        """Start after stop connects at once."""
        self.stop(self.connect())
        self.start()
        self.assertEqual(self.attempts, 2)


class ReplacedTests(StreamTestCase):
    """One that another one replaces: comes_back is False."""

    def replaced(self) -> CaptureStream[Query]:
        """It is open."""
        stream = self.connect()
        stream.comes_back = False
        return stream

    def test_its_end_is_the_last(self) -> None:
        """However it ends, and whatever trouble that announces, nobody has to wait for it."""
        for number in range(3):
            stream = self.replaced()
            if number == 1:
                stream.end(Ending("disconnect", "for the test", DUPLICATE))
            elif number == 2:
                self.prove()
            self.peer.closes()
            self.assertEqual((stream.running, self.ear.ending.wait), (False, None))
            self.assertEqual(self.upstream.backoff.remaining(self.clock.seconds()), 0)
            self.clock.advance(1000)
            self.assertEqual(self.attempts, number + 1)

    def test_the_ramps_stand(self) -> None:
        """Neither its end nor that it lasts shortens a wait, this one or the next."""
        stream = self.replaced()
        old = self.peer
        self.start(DOGS)
        self.peer.refuses(420)
        self.clock.advance(TIMING.proof)
        old.says(b"\r\n")
        old.closes()
        self.assertFalse(stream.running)
        self.assertAlmostEqual(self.upstream.backoff.remaining(self.clock.seconds()), 50)
        self.clock.advance(50)
        self.peer.refuses(420)
        self.assertEqual(self.ear.ending.wait, 120)

    def test_it_is_stopped(self) -> None:
        """As any other, before or after its end."""
        stream = self.replaced()
        stopped = stream.stopService()
        self.successResultOf(stopped)
        self.assertTrue(self.peer.hung_up)
        stream = self.replaced()
        self.peer.closes()
        self.successResultOf(stream.stopService())


class ReachTests(StreamTestCase):
    def test_when_the_other_side_knows_of_it(self) -> None:
        """While it is asked and while a connection stands, not while the next attempt waits."""
        stream = self.start()
        self.assertTrue(stream.reaches)
        self.peer.refuses(420)
        self.assertFalse(stream.reaches)
        self.clock.advance(60)
        self.assertTrue(stream.reaches)
        self.peer.answers()
        self.assertTrue(stream.reaches)
        self.peer.closes()
        self.assertFalse(stream.reaches)


class StopTests(StreamTestCase):
    """stopService() fires when nothing more will be heard, whatever was going on."""

    def test_while_connecting(self) -> None:
        """The attempt is given up; it is no failure."""
        stream = self.start()
        self.successResultOf(stream.stopService())
        self.assertTrue(self.peer.cancelled)
        self.assertEqual(self.ear.endings, [])

    def test_while_waiting_for_the_next_attempt(self) -> None:
        """No attempt follows."""
        stream = self.start()
        self.peer.fails(ConnectionRefusedError())
        self.successResultOf(stream.stopService())
        self.clock.advance(1000)
        self.assertEqual(self.attempts, 1)

    def test_while_waiting_for_an_older_ban(self) -> None:
        """The same, for a wait that another instance began."""
        first = self.start()
        self.peer.refuses(420)
        self.successResultOf(first.stopService())
        second = self.start()
        self.successResultOf(second.stopService())
        self.clock.advance(1000)
        self.assertEqual(self.attempts, 1)

    def test_while_connected(self) -> None:
        """The connection is ended, and not made again."""
        stream = self.connect()
        self.successResultOf(stream.stopService())
        self.assertTrue(self.peer.hung_up)
        self.assertEqual(len(self.ear.endings), 1)
        self.assertIsNone(self.ear.ending.wait)
        self.clock.advance(1000)
        self.assertEqual(self.attempts, 1)

    def test_while_a_refusal_is_read(self) -> None:
        """The connection is ended."""
        stream = self.start()
        self.peer.answers(503)
        self.successResultOf(stream.stopService())
        self.assertTrue(self.peer.hung_up)

    def test_a_transport_that_never_ends(self) -> None:
        """Is waited for a bounded time; what it says later is not heard."""
        stream = self.connect(deaf=True)
        stopped = stream.stopService()
        self.clock.advance(TIMING.goodbye - 0.001)
        self.assertNoResult(stopped)
        self.clock.advance(0.001)
        self.successResultOf(stopped)
        self.peer.says(b'{"late":1}\r\n')
        self.peer.closes()
        self.assertEqual((self.ear.messages, len(self.ear.endings)), ([], 1))

    def test_twice(self) -> None:
        """Both callers are told."""
        stream = self.connect(deaf=True)
        stopped = [stream.stopService(), stream.stopService()]
        self.clock.advance(TIMING.goodbye)
        for each in stopped:
            self.successResultOf(each)
        self.successResultOf(stream.stopService())


class HangUpTests(StreamTestCase):
    """hang_up() reads what is there, and ends for the reason given."""

    def test_what_has_arrived_is_read(self) -> None:
        """It comes at the next turn of the reactor, and belongs to the capture."""
        stream = self.connect()
        gone = Deferred.fromCoroutine(stream.hang_up(STOPPED))
        self.clock.callLater(0, self.peer.says, b'{"a":1}\r\n{"b":')
        settle(self.clock)
        self.successResultOf(gone)
        self.assertEqual(self.ear.messages, [b'{"a":1}'])
        self.assertEqual(self.ear.ending, structs.replace(STOPPED, incomplete=5))

    def test_while_connecting(self) -> None:
        """Nothing to read; it ends at once, and was no connection."""
        stream = self.start()
        self.successResultOf(Deferred.fromCoroutine(stream.hang_up(STOPPED)))
        self.assertTrue(self.peer.cancelled)
        self.assertEqual(self.ear.endings, [])

    def test_the_other_side_is_first(self) -> None:
        """It closes while we read: its end, and none after it."""
        stream = self.connect()
        gone = Deferred.fromCoroutine(stream.hang_up(STOPPED))
        self.peer.says(b"{}\r\n")
        self.peer.closes()
        settle(self.clock)
        self.successResultOf(gone)
        self.assertEqual(len(self.ear.endings), 1)
        self.clock.advance(1000)
        self.assertEqual(self.attempts, 1)

    def test_stopped_meanwhile(self) -> None:
        """Both are done when the connection is gone."""
        stream = self.connect()
        gone = Deferred.fromCoroutine(stream.hang_up(STOPPED))
        self.successResultOf(stream.stopService())
        settle(self.clock)
        self.successResultOf(gone)
        self.assertEqual(len(self.ear.endings), 1)


class PauseTests(StreamTestCase):
    """Nothing is read while nobody can take it."""

    def test_a_connection(self) -> None:
        """Is not read until it is resumed, and stands meanwhile."""
        stream = self.connect()
        for act, reading in (
            (stream.pauseProducing, False),
            (stream.pauseProducing, False),
            (stream.resumeProducing, True),
            (stream.resumeProducing, True),
            (stream.pauseProducing, False),
        ):
            act()
            self.assertEqual(self.peer.transport.reading, reading)
        self.clock.advance(10 * STALL)
        self.assertFalse(self.peer.hung_up)

    def test_no_connection_is_made(self) -> None:
        """Nothing could be stored, and on v2 it would have to be paid for."""
        stream = self.connect()
        stream.pauseProducing()
        self.peer.closes()
        self.clock.advance(1000)
        self.assertEqual(self.attempts, 1)
        stream.resumeProducing()
        self.assertEqual(self.attempts, 2)
        self.peer.answers()
        self.assertTrue(self.peer.transport.reading)

    def test_an_answer_that_comes_meanwhile(self) -> None:
        """Its body is not read either, once it has begun."""
        stream = self.start()
        stream.pauseProducing()
        self.peer.answers()
        self.peer.says(b"\r\n")
        self.assertFalse(self.peer.transport.reading)
        stream.resumeProducing()
        self.assertTrue(self.peer.transport.reading)

    def test_paused_again_before_the_attempt(self) -> None:
        """It still waits."""
        stream = self.start()
        self.peer.fails(ConnectionRefusedError())
        stream.pauseProducing()
        self.clock.advance(1)
        stream.resumeProducing()
        stream.pauseProducing()
        self.assertEqual(self.attempts, 2)
        self.peer.fails(ConnectionRefusedError())
        self.clock.advance(1000)
        self.assertEqual(self.attempts, 2)

    def test_stopping(self) -> None:
        """What is paused, or waits to connect, stops at once."""
        stream = self.connect()
        stream.pauseProducing()
        self.successResultOf(stream.stopService())
        stream = self.start(DOGS)
        stream.pauseProducing()
        self.peer.fails(ConnectionRefusedError())
        self.clock.advance(1)
        self.successResultOf(stream.stopService())
        self.assertEqual(self.attempts, 2)

    def test_a_new_connection_after_a_pause(self) -> None:
        """Nothing of the one before waits on it."""
        stream = self.connect()
        self.peer.says(b"\r\n")
        stream.pauseProducing()
        self.clock.advance(30)
        stream.resumeProducing()
        self.peer.closes()
        self.clock.advance(5)
        self.peer.answers().says(b"\r\n")
        self.clock.advance(1)
        self.assertEqual((stream.silent, stream.is_unread), (1.0, False))
        self.successResultOf(stream.stopService())

    def test_what_was_missed_begins_with_the_pause(self) -> None:
        """
        What is read at first after it had been waiting; what comes after as much time, or a proof,
        is news again, and so it is soon after a read that leaves nothing.
        """
        little, much = b"\r\n", b"\r\n" * SHORT
        for paused, after, said, silent in (
            (100.0, TIMING.proof - 1, much, 100.0 + TIMING.proof - 1),
            (100.0, TIMING.proof, much, 0.0),
            (3.0, 2.0, much, 5.0),
            (3.0, 3.0, much, 0.0),
            (3.0, 0.25, little, 3.25),
            (3.0, 2.0, little, 0.0),
        ):
            stream = self.connect()
            self.peer.says(b"\r\n")
            stream.pauseProducing()
            self.clock.advance(paused)
            stream.resumeProducing()
            self.peer.says(said)
            self.clock.advance(after)
            self.peer.says(said)
            self.assertEqual(stream.silent, max(silent, REST_OF_IT if said is much else 0.0))
            self.peer.closes()
            self.assertEqual(self.ear.ending.silent, silent)
            self.successResultOf(stream.stopService())
            self.clock.advance(1)  # the next one has to wait that long after a short connection

    def test_paused_again_before_all_was_read(self) -> None:
        """What is read then is as old as the first pause, however short the second one is."""
        little, much = b"\r\n", b"\r\n" * SHORT
        for said, silent in ((much, 10.0 + 0.1 + 0.25 + 0.1), (little, 0.0)):
            stream = self.connect()
            self.peer.says(b"\r\n")
            stream.pauseProducing()
            self.clock.advance(10.0)
            stream.resumeProducing()
            self.peer.says(said)
            self.clock.advance(0.1 if said is much else REST_OF_IT)
            stream.pauseProducing()
            self.clock.advance(0.25)
            stream.resumeProducing()
            self.peer.says(said)
            self.clock.advance(0.1 if said is much else REST_OF_IT)
            self.peer.says(said)
            self.assertAlmostEqual(stream.silent, silent, places=3)
            self.peer.closes()
            self.successResultOf(stream.stopService())
            self.clock.advance(1)
