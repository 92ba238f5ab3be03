"""
v1.1 with its settings.

Knows all parts of the package and puts them together; does no work of its own.
"""

from tcclient.runtime.backoff import Backoff
from tcclient.runtime.byname import load_by_name
from tcclient.sources.source import ConfiguredSource, SourceChecks, Surroundings
from tcclient.sources.twitter_v1.api import STALL_TIMEOUT, StatusesApi
from tcclient.sources.twitter_v1.feed import V1Source
from tcclient.sources.twitter_v1.postids import TWEET_IDS
from tcclient.sources.twitter_v1.settings import Keys, V1Section
from tcclient.stream.capturestream import Upstream
from tcclient.stream.clients import stream_client
from tcclient.stream.connection import Timing
from tcclient.stream.standstill import STILL


class TwitterV1(ConfiguredSource):
    """v1.1 with its settings."""

    post_ids = TWEET_IDS
    """How the id of a post is found in a line of this API."""

    def __init__(self, section: V1Section, keys: Keys) -> None:
        self.section = section
        self.keys = keys

    def make(self, surroundings: Surroundings) -> V1Source:
        """Return a source that has streams for each capture, and runs one capture at a time."""
        reactor = surroundings.reactor
        client = stream_client(reactor, surroundings.source_addr, stock=self.section.stock_http)
        api = StatusesApi(
            client,
            self.section.stream_url,
            self.keys,
            surroundings.user_agent,
            surroundings.wall,
            self.section.stall_timeout or STALL_TIMEOUT,
        )
        timing = Timing(rest=surroundings.rest, still=STILL)
        upstream = Upstream(api, Backoff(), reactor, timing)
        return V1Source(upstream, keeps_duplicates=surroundings.keeps_duplicates)

    def checks(self, surroundings: Surroundings) -> SourceChecks:
        """Return the checks of v1.1, none of which asks Twitter."""
        made = load_by_name("tcclient.sources.twitter_v1.checks:V1Checks")(self.section, self.keys)
        checks: SourceChecks = made
        return checks
