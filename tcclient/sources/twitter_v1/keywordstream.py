"""
One stream of a capture on v1.1, and what belongs to it alone.

Knows its keyword text and what its messages need; which of two strands counts is the handover's.
"""

from typing import Protocol

from tcclient.sources.keywords import Query
from tcclient.sources.twitter_v1.intake import Intake
from tcclient.sources.twitter_v1.limits import Undelivered
from tcclient.stream.capturestream import CaptureStream, Upstream
from tcclient.stream.connection import Ending
from tcclient.stream.messages import Overlong


class Owner(Protocol):
    """Who is told what a strand hears; as a stream's Listener, with the strand."""

    def opened(self, strand: "Strand") -> None:
        """The answer is 200."""

    def heard(self, strand: "Strand") -> None:
        """The first byte of a connection has come."""

    def received(self, strand: "Strand", messages: list[bytes | Overlong]) -> None:
        """Complete messages, in order."""

    def ended(self, strand: "Strand", ending: Ending) -> None:
        """A connection ended, or an attempt to make one failed."""


class Strand:
    """
    The stream for a keyword text, which asks for `query`.  `is_news`: it has not been heard with
    that text.  `opened_at` is when its connection was answered, `one_too_many` how often Twitter
    has said so of it since it was heard.  `leaves`: it has been told to end.  `is_doomed`: Twitter
    may end it for another one, which was given up before it answered.
    """

    def __init__(
        self,
        upstream: Upstream[Query],
        query: Query,
        text: str | None,
        owner: Owner,
        undelivered: Undelivered,
    ) -> None:
        self.query = query
        self.text = text
        self.is_news = True
        self.opened_at = 0.0
        self.one_too_many = 0
        self.leaves = False
        self.is_doomed = False
        self.stream = CaptureStream(upstream, query, self)
        self.intake = Intake(upstream.source, self.stream.end, undelivered)
        self._clock = upstream.clock
        self._owner = owner

    @property
    def is_heard(self) -> bool:
        """Whether its connection stands, and a byte has come."""
        return self.stream.is_heard

    def stream_opened(self) -> None:
        """As Listener."""
        self.opened_at = self._clock.seconds()
        self.intake.connected()
        self._owner.opened(self)

    def stream_heard(self) -> None:
        """As Listener."""
        self.one_too_many = 0
        self._owner.heard(self)

    def stream_received(self, messages: list[bytes | Overlong]) -> None:
        """As Listener."""
        self._owner.received(self, messages)

    def stream_ended(self, ending: Ending) -> None:
        """As Listener."""
        self.one_too_many += ending.cause == "duplicate"
        self._owner.ended(self, ending)
