"""
v1.1 as a source, which has streams of its own for each capture.

Knows what the streams share: the API, the waits, and how often keywords changed.
"""

from twisted.application.service import Service

from tcclient.sources.source import Source, Subscriber
from tcclient.sources.twitter_v1.changelimit import ChangeLimit
from tcclient.sources.twitter_v1.feed import V1Feed, V1Streams
from tcclient.sources.twitter_v1.query import Query
from tcclient.stream.capturestream import Upstream


class V1Source(Service, Source, V1Streams):
    """Gives each capture a feed with streams of its own, and is what the feeds share."""

    most_captures: int | None = 1
    """Twitter allows one stream for each set of credentials."""

    def __init__(self, upstream: Upstream[Query]) -> None:
        self.upstream = upstream
        self.changes = ChangeLimit()
        self.parting = False

    def feed_for(self, job_id: int, subscriber: Subscriber) -> V1Feed:
        """Return a feed, which opens a stream when it is asked for something."""
        return V1Feed(self, subscriber)

    def part(self) -> None:
        """Let the streams that end from now on say that the client ends, not the capture."""
        self.parting = True
