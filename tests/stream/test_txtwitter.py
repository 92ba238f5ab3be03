"""
What we rely on in txTwitter, and the faults of it that we step round.

A new release that changes either fails here, and says what to look at in
tcclient/stream/capturestream.py.
"""

import importlib
import json
import math
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse
from txtwitter.error import RateLimitedError, TwitterAPIError
from txtwitter.messagetools import is_tweet
from txtwitter.streamservice import TwitterStreamService

from tests.peers import DONE, FakeResponse, FakeTransport, clock_at


class UpstreamTestCase(SynchronousTestCase):
    """txTwitter's own service, as it is."""

    def setUp(self) -> None:
        self.clock = clock_at()
        self.attempts: list[Deferred[IResponse]] = []
        self.messages: list[Any] = []
        self.lost: list[Failure] = []
        self.service = self.make(TwitterStreamService)
        self.addCleanup(self._end)

    def make(self, kind: Callable[[Any, Any], TwitterStreamService]) -> TwitterStreamService:
        """A service of this class, not started."""
        service = kind(self._connect, self.messages.append)
        service.clock = self.clock
        service.set_disconnect_callback(lambda _, reason: self.lost.append(reason))
        return service

    def _connect(self) -> Deferred[IResponse]:
        self.attempts.append(Deferred())
        return self.attempts[-1]

    def _end(self) -> None:
        if self.service.running:
            self.service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def answers(self, code: int = 200) -> FakeTransport:
        """The newest attempt is answered; what is below the body."""
        response = FakeResponse(code, Headers())
        self.attempts[-1].callback(response)
        return response.transport

    def waits(self) -> list[float]:
        """Seconds until each of its delayed calls."""
        return [call.getTime() - self.clock.seconds() for call in self.clock.getDelayedCalls()]


class ReliedOnTests(UpstreamTestCase):
    """Kept from txTwitter."""

    def test_starting_connects(self) -> None:
        """Through connect_func, once, and at once."""
        self.assertEqual(len(self.attempts), 0)
        self.service.startService()
        self.assertEqual(len(self.attempts), 1)
        self.assertTrue(self.service.running)

    def test_200_gets_a_body_protocol(self) -> None:
        """deliverBody() is called with one that passes its end on to connection_lost()."""
        self.service.startService()
        transport = self.answers()
        self.assertIsNotNone(transport.protocol)
        self.assertEqual(self.lost, [])
        transport.ends(DONE)
        self.assertEqual([reason.type for reason in self.lost], [ResponseDone])

    def test_other_answers_are_errors(self) -> None:
        """connection_lost() gets them with their status; the body is not asked for."""
        for code, kind in ((420, RateLimitedError), (401, TwitterAPIError), (503, TwitterAPIError)):
            self.service.startService()
            transport = self.answers(code)
            self.assertIsNone(transport.protocol)
            error = self.lost[-1].value
            self.assertIs(type(error), kind)
            self.assertEqual(int(error.status), code)
            self.service.stopService()

    def test_stopping_cancels_an_attempt(self) -> None:
        """Through the Deferred's canceller, and without an unhandled error."""
        cancelled: list[Any] = []
        self.service.connect_func = lambda: Deferred(cancelled.append)
        self.service.startService()
        self.service.stopService()
        self.assertEqual(len(cancelled), 1)
        self.assertFalse(self.service.running)

    def test_stopping_hangs_up(self) -> None:
        """By stopProducing() on the transport that its own protocol was given."""
        self.service.startService()
        transport = self.answers()
        self.service.stopService()
        self.assertTrue(transport.hung_up)
        self.assertEqual(self.waits(), [])

    def test_our_delay_is_used_as_it_is(self) -> None:
        """With neutral constants, what connection_lost() assigns is what is waited."""

        class Ours(TwitterStreamService):
            RECONNECT_DELAY_INITIAL = 0.0
            RECONNECT_DELAY_RATE_LIMIT = 0.0
            RECONNECT_DELAY_MULTIPLIER = 1.0
            RECONNECT_DELAY_MAX = math.inf
            wait = 0.0

            def connection_lost(self, reason: Failure) -> None:
                self.reconnect_delay = self.wait
                super().connection_lost(reason)

        service = self.service = self.make(Ours)
        assert isinstance(service, Ours)
        service.startService()
        for code, wait in ((200, 0.0), (200, 0.25), (420, 3600.0), (503, 5.0), (200, 0.0)):
            service.wait = wait
            self.answers(code).ends(DONE)
            self.assertEqual(self.waits(), [wait])
            before = len(self.attempts)
            self.clock.advance(wait)
            self.assertEqual(len(self.attempts), before + 1)

    def test_connection_lost_may_be_called_by_us(self) -> None:
        """For an attempt that failed while its Deferred stays unfired."""
        self.service.startService()
        self.service.connection_lost(Failure(ConnectionRefusedError()))
        self.assertEqual(len(self.waits()), 1)
        self.clock.advance(1)
        self.assertEqual(len(self.attempts), 2)
        self.service.stopService()

    def test_what_a_tweet_is(self) -> None:
        """An object with these three members, whatever else."""
        tweet = {"id_str": "1", "text": "", "user": None}
        self.assertTrue(is_tweet({**tweet, "delete": {}}))
        for member in tweet:
            self.assertFalse(is_tweet({k: v for k, v in tweet.items() if k != member}))


class FaultTests(UpstreamTestCase):
    """Stepped round by tcclient.stream.capturestream; where one is gone, the step may go too."""

    def test_a_failed_attempt_ends_it_for_good(self) -> None:
        """So ours never lets the Deferred fail."""
        self.service.startService()
        self.attempts[-1].addErrback(lambda failure: None)
        self.attempts[-1].errback(Failure(ConnectionRefusedError()))
        self.clock.advance(10_000)
        self.assertEqual(len(self.attempts), 1)
        self.assertEqual(self.lost, [])

    def test_silence_is_never_noticed(self) -> None:
        """There is no timer: ours is in front."""
        self.service.startService()
        self.answers()
        self.assertEqual(self.waits(), [])

    def test_its_own_ramp(self) -> None:
        """Not the documented one: ours assigns the delay."""
        self.service.startService()
        waits = []
        for _ in range(4):
            self.answers(503)
            waits += self.waits()
            self.clock.advance(waits[-1])
        self.assertEqual(waits, [1, 2, 4, 8])

    def test_429_is_no_rate_limit(self) -> None:
        """Ours judges the status itself."""
        self.service.startService()
        self.answers(429)
        self.assertIs(self.lost[0].type, TwitterAPIError)
        self.assertEqual(self.waits(), [1])

    def test_long_lines_drop_the_connection(self) -> None:
        """So it never gets a byte from ours."""
        self.service.startService()
        transport = self.answers()
        protocol: Any = transport.protocol
        protocol.dataReceived(b'{"text":"' + b"x" * 20_000 + b'"}\r\n')
        self.assertEqual((self.messages, transport.hung_up), ([], True))

    def test_a_bad_line_raises(self) -> None:
        """The same step helps."""
        self.service.startService()
        protocol: Any = self.answers().protocol
        self.assertRaises(json.JSONDecodeError, protocol.dataReceived, b"no json\r\n")

    def test_the_bytes_are_lost(self) -> None:
        """The delegate gets objects, and nothing of a keep-alive."""
        self.service.startService()
        protocol: Any = self.answers().protocol
        protocol.dataReceived(b'\r\n{"a" : 1}\r\n')
        self.assertEqual(self.messages, [{"a": 1}])

    def test_stopping_cannot_be_waited_for(self) -> None:
        """Ours returns a Deferred."""
        self.service.startService()
        self.answers()
        self.assertIsNone(self.service.stopService())

    def test_a_restart_makes_two_streams(self) -> None:
        """The old connection's late end is taken for the new one's: ours is started once."""
        self.service.startService()
        old = self.answers()
        old.deaf = True
        self.service.stopService()
        self.service.startService()
        new = self.answers()
        old.ends(DONE)
        self.clock.advance(10)
        self.assertEqual(len(self.attempts), 3)
        self.assertFalse(new.hung_up)

    def test_signing_and_rest_are_python_2(self) -> None:
        """So requests are signed with oauthlib and made with treq."""
        self.assertRaises(ImportError, importlib.import_module, "txtwitter.twitter")

    def test_is_tweet_takes_objects_only(self) -> None:
        """Ours asks it of nothing else."""
        for value in ([], 1, "text", None):
            self.assertRaises(AttributeError, is_tweet, value)
