"""
The life of one stream: connect, hang up, connect again.

Subclasses txTwitter's service through its public names.  From there come the life cycle, the
dispatch on the answer's status, the one delayed call for reconnecting, and the errors that name
failures.  In front of its body protocol stands a Connection, because its own cannot read long
lines, never notices silence, and loses the bytes.  The tests pin what we rely on.
"""

import math
from typing import Generic, TypeVar, cast

from msgspec import Struct, field, structs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IResponse
from txtwitter.streamservice import TwitterStreamService

from tcclient.http.bodies import abandon, read_beginning
from tcclient.http.gunzip import decoder_for
from tcclient.ledger.endings import Ending
from tcclient.runtime.backoff import Backoff, Refusal, Trouble
from tcclient.runtime.failures import explain
from tcclient.runtime.producers import Pausable
from tcclient.stream.connection import Connection, Tapped, Timing
from tcclient.stream.pause import Pause
from tcclient.stream.standstill import Alarm
from tcclient.stream.streamapi import StreamApi, StreamListener, failed_attempt

log = Logger()

MOST_EXPLANATION = 4000
"""Most bytes of a refusal's body that are read."""


Query = TypeVar("Query")


class Upstream(Struct, Generic[Query], frozen=True):
    """The API that a Query is sent to, and the waits that belong to it and its credentials."""

    api: StreamApi[Query]
    backoff: Backoff
    clock: IReactorTime
    timing: Timing = field(default_factory=Timing)

    async def when_due(self, query: Query, clock: IReactorTime) -> None:
        """Return when the next attempt is due, which is for `query`; `clock` wakes it."""
        self.backoff.asks_for(query)
        due = self.backoff.remaining(self.clock.seconds())
        if due > 1:
            log.info("The next connect waits {s:.0f} s, after what the last one met.", s=due)
        if due > 0:
            await deferLater(clock, due)

    async def refusal(self, response: IResponse) -> Refusal:
        """Return what an answer other than 200 means.  The beginning of its body is read."""
        reading = read_beginning(response, MOST_EXPLANATION)
        said = await reading.addTimeout(self.timing.explanation, self.clock)
        return self.api.refusal(response.code, response.headers, said)

    def scheduled(self, ending: Ending, *, good: bool) -> Ending:
        """Return the ending with its wait; the end of a `good` connection is no failure."""
        trouble = ending.trouble or (None if good else Trouble.NETWORK)
        if trouble is None:
            return structs.replace(ending, wait=self.backoff.dropped(self.clock.seconds()))
        trouble = self.backoff.understood(trouble)
        return structs.replace(ending, trouble=trouble, wait=self.failed(ending, trouble))

    def failed(self, ending: Ending, trouble: Trouble) -> float:
        """Note a failure for all streams of this upstream.  Return the seconds to wait."""
        at_least = ending.refusal.at_least if ending.refusal else 0.0
        return self.backoff.failed(trouble, self.clock.seconds(), at_least)


class CaptureStream(TwitterStreamService, Pausable, Generic[Query]):
    """
    The stream for one query.  An instance is started once and stopped once; another query needs
    another instance, because a restarted txTwitter service runs two streams (observed).

    `comes_back` is whether a connection is made again after it has ended.  Where it is false, as
    for a stream that is replaced, neither its end nor that it has lasted counts for the ramps.
    """

    # connection_lost() assigns reconnect_delay; with these values txTwitter does not change it.
    RECONNECT_DELAY_INITIAL = 0.0
    RECONNECT_DELAY_RATE_LIMIT = 0.0
    RECONNECT_DELAY_MULTIPLIER = 1.0
    RECONNECT_DELAY_MAX = math.inf

    def __init__(self, upstream: Upstream[Query], query: Query, listener: StreamListener) -> None:
        super().__init__(self._attempt, listener.received)
        self.query = query
        self._clock = upstream.clock
        self.clock = self._alarm = Alarm(upstream.clock)
        self._upstream = upstream
        self._listener = listener
        self.comes_back = True
        self.held_back = 0.0
        """Seconds for which the last good answer was there before its body was read."""
        self._asking = False
        self._connection: Connection | None = None
        self._refusal: Refusal | None = None
        self._waiting: list[Deferred[None]] = []
        self._pause = Pause(upstream.timing.proof, upstream.clock)

    @property
    def connected(self) -> bool:
        """Whether the answer was 200 and the connection stands."""
        return self._connection is not None

    @property
    def reaches(self) -> bool:
        """Whether there is a connection or a request, so that the other side knows of this."""
        return self._asking or self.connected

    @property
    def is_heard(self) -> bool:
        """Whether a byte has come over the present connection, and another may."""
        return self._connection is not None and self._connection.is_heard

    @property
    def silent(self) -> float:
        """
        Seconds since the last byte of the connection; 0.0 without one.  Bytes that are read right
        after a pause had been waiting, and do not count as new.
        """
        return 0.0 if self._connection is None else self._pause.silence(self._connection)

    @property
    def is_unread(self) -> bool:
        """Whether the stream is paused, or was just now, so that bytes may wait to be read."""
        return self._connection is not None and self._pause.leaves_unread(self._connection)

    def pauseProducing(self) -> None:
        """Read nothing, and make no connection, until resumeProducing() is called."""
        if self._pause.is_on:
            return
        self._pause.begin(self._connection)
        if self._connection is not None:
            self._connection.pauseProducing()

    def resumeProducing(self) -> None:
        """Read on; make the attempt to connect that has become due meanwhile, if any."""
        if not self._pause.is_on:
            return
        self._pause.end()
        if self._connection is not None:
            self._connection.resumeProducing()

    def slept(self, seconds: float) -> None:
        """Note that the machine slept: a silent connection may end, and a wait is shorter by it."""
        self._alarm.slept(seconds)
        if self._connection is not None:
            self._connection.slept(seconds)

    async def drain(self) -> None:
        """Read what has arrived.  Returns when that is done."""
        if self._connection is not None:
            await self._connection.drain()

    async def hang_up(self, ending: Ending) -> None:
        """Read what has arrived, then end.  Returns when the listener hears nothing more."""
        await self.drain()
        if self._connection is not None:
            self._connection.ending = self._connection.ending or ending
        await self.stopService()

    def stopService(self) -> Deferred[None]:
        """End attempt, wait or connection at once.  Fires when the listener hears nothing more."""
        gone: Deferred[None] = Deferred()
        self._waiting.append(gone)
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        if self._connection is None:
            self._tell_gone()
        else:
            self._connection.hang_up()
        return gone

    def end(self, ending: Ending) -> None:
        """End the connection for the reason given; another one is made when it is due."""
        if self._connection is not None:
            self._connection.end(ending)

    def connection_lost(self, reason: Failure) -> None:
        """Work out why a connection ended or an attempt failed, and when to try again."""
        connection, self._connection = self._connection, None
        if connection is None:
            ending = failed_attempt(reason, self._refusal)
        else:
            ending = _ended(connection, reason, self._pause)
        if connection is not None and connection.is_heard:
            self._upstream.backoff.worked()
        if not self.comes_back:
            Service.stopService(self)  # not txTwitter's, which would hang up on what has ended
        elif self.running:
            good = connection is not None and connection.good
            ending = self._upstream.scheduled(ending, good=good)
            self.reconnect_delay = ending.wait or 0.0
        elif ending.trouble is not None:
            # The next instance must wait although this one does not come back.
            self._upstream.failed(ending, ending.trouble)
        super().connection_lost(reason)
        self._listener.ended(ending)
        if not self.running:
            self._tell_gone()

    def _proved(self) -> None:
        """Let the ramps start anew, unless this stream is about to be replaced."""
        if self.comes_back:
            self._upstream.backoff.proved()

    def _attempt(self) -> Deferred[IResponse]:
        """
        Connect; txTwitter's service calls this.  Fires only with an answer: a failure would end the
        service for good (observed), so it goes to connection_lost() instead.
        """
        request = Deferred.fromCoroutine(self._request())
        answer: Deferred[IResponse] = Deferred(lambda _: request.cancel())

        def failed(failure: Failure) -> None:
            if self.running:
                self.connection_lost(failure)

        request.addCallbacks(answer.callback, failed)
        return answer

    async def _request(self) -> IResponse:
        """
        Wait until a request is due and the stream is not paused, make it, and return the answer.
        The body of a 200 goes to a Connection; of a refusal the beginning is read.
        """
        up = self._upstream
        await up.when_due(self.query, self._alarm)
        while self._pause.is_on:
            await self._pause.when_over()
        self._asking = True
        try:
            response = await up.api.open(self.query).addTimeout(up.timing.answer, self._clock)
            connection = await self._reader_of(response) if response.code == 200 else None
        finally:
            self._asking = False
        if connection is not None:
            return cast(IResponse, Tapped(response, self._take, connection))
        self._refusal = await up.refusal(response)
        return response

    async def _reader_of(self, response: IResponse) -> Connection:
        """Return what reads the body of a 200, once it may be read."""
        answered = self._clock.seconds()
        try:
            await self._listener.answered()
            self.held_back = self._clock.seconds() - answered
            decoder = decoder_for(response)
        except BaseException:
            abandon(response)
            raise
        stall, timing = self._upstream.api.stall_timeout, self._upstream.timing
        return Connection(self._listener, self._proved, decoder, stall, self._clock, timing)

    def _take(self, connection: Connection) -> None:
        self._connection = connection
        if self._pause.is_on:
            connection.pauseProducing()
        else:
            self._pause.forget()

    def _tell_gone(self) -> None:
        waiting, self._waiting = self._waiting, []
        for gone in waiting:
            gone.callback(None)


def _ended(connection: Connection, reason: Failure, pause: Pause) -> Ending:
    """Return why a connection has ended."""
    return structs.replace(
        connection.ending or Ending("closed", explain(reason)),
        incomplete=connection.incomplete,
        silent=pause.silence(connection),
        unread=pause.leaves_unread(connection),
    )
