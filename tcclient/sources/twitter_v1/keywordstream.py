"""
One stream of a capture on v1.1, with what belongs to it alone.

Knows its keyword text and takes its messages; which of two streams counts is known to the
take-over.
"""

from typing import Protocol

from twisted.internet.defer import Deferred

from tcclient.ledger.endings import Ending
from tcclient.sources.again import Again
from tcclient.sources.source import Subscriber
from tcclient.sources.twitter_v1.intake import Intake
from tcclient.sources.twitter_v1.limits import Undelivered
from tcclient.sources.twitter_v1.query import Query
from tcclient.stream.capturestream import CaptureStream, Upstream
from tcclient.stream.framing import Overlong
from tcclient.stream.streamapi import StreamListener


class KeywordStreamListener(Protocol):
    """What the streams of one capture report to."""

    def answered(self, stream: "KeywordStream") -> Deferred[None]:
        """Called when the answer is 200; it is read when what is returned fires."""

    def opened(self, stream: "KeywordStream") -> None:
        """Called when the answer is read."""

    def heard(self, stream: "KeywordStream") -> None:
        """Called when the first byte of a connection has come."""

    def ended(self, stream: "KeywordStream", ending: Ending) -> None:
        """Called when a connection has ended, or an attempt to make one has failed."""


class KeywordStream(StreamListener):
    """
    The stream for a keyword text: `service` makes the connections, and asks for `query`.

    `is_news` says whether the ledger has yet to say that the text is in force; `opened_at` is when
    the connection was answered; `one_too_many` counts how often Twitter has said that there are too
    many streams since this one was last heard.  `leaves` says whether it has been told to end;
    `is_doomed` whether Twitter may end it in favour of another stream, which was given up before it
    was answered.
    """

    def __init__(
        self,
        upstream: Upstream[Query],
        query: Query,
        text: str | None,
        listener: KeywordStreamListener,
        subscriber: Subscriber,
        undelivered: Undelivered,
        again: Again,
    ) -> None:
        self.query = query
        self.text = text
        self.is_news = True
        self.opened_at = 0.0
        self.one_too_many = 0
        self.leaves = False
        self.is_doomed = False
        self.service = CaptureStream(upstream, query, self)
        self._intake = Intake(self.service.end, undelivered, again)
        self._clock = upstream.clock
        self._listener = listener
        self._subscriber = subscriber

    def answered(self) -> Deferred[None]:
        return self._listener.answered(self)

    def opened(self) -> None:
        """Note the time, and pass on that the stream is open."""
        self.opened_at = self._clock.seconds()
        self._intake.opened()
        self._listener.opened(self)

    def heard(self) -> None:
        """Note that this stream is not one too many, and pass on that it is heard."""
        self.one_too_many = 0
        self._listener.heard(self)

    def received(self, messages: list[bytes | Overlong]) -> None:
        archive = self._subscriber.archive
        if archive is not None:
            self._intake.take(archive, messages)

    def ended(self, ending: Ending) -> None:
        """Count it if Twitter called this stream one too many, and pass on the ending."""
        self.one_too_many += ending.cause == "duplicate"
        self._listener.ended(self, ending)
