"""
What brings the posts of a capture, as one of its folders sees it.

Knows who has paused it; does not know what is brought.
"""

from tcclient.runtime.producers import SharedProducer
from tcclient.sources.source import Feed
from tcclient.storage.diskuse import Supply


class FeedShare(Supply):
    """
    The feed as one archive sees it.  While a job moves to another folder it has two archives, and
    the feed is paused as long as either of them cannot take posts.
    """

    def __init__(self, feed: Feed, shared: SharedProducer) -> None:
        self._feed = feed
        self._shared = shared

    @property
    def silent(self) -> float | None:
        """Seconds since the feed's last byte came; None while no stream is heard."""
        return self._feed.silent

    def pauseProducing(self) -> None:
        """Pause the feed for this archive."""
        self._shared.pause_for(self)

    def resumeProducing(self) -> None:
        """Let the feed go on, unless another archive has paused it."""
        self._shared.resume_for(self)
