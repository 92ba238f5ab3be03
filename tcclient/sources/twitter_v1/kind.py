"""
v1.1 as the registry sees it: the settings that choose it, and the source that they make.

Knows all parts of the package and puts them together; does no work of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from msgspec import Struct

from tcclient.ledger.entries import Entry
from tcclient.runtime.backoff import Backoff
from tcclient.runtime.keytypes import narrowed
from tcclient.runtime.places import Where
from tcclient.sources.source import (
    ConfiguredSource,
    SourceKind,
    SourceReport,
    Surroundings,
    Table,
)
from tcclient.sources.twitter.ids import SnowflakeIds
from tcclient.sources.twitter.settings import TWITTER, TWITTER_AUTH, api_of
from tcclient.sources.twitter_v1 import entries
from tcclient.sources.twitter_v1.api import STALL_TIMEOUT, StatusesApi
from tcclient.sources.twitter_v1.checks import V1Checks
from tcclient.sources.twitter_v1.feed import V1Source
from tcclient.sources.twitter_v1.postids import TWEET_IDS
from tcclient.sources.twitter_v1.report import V1Report, limits
from tcclient.sources.twitter_v1.settings import Keys, V1Auth, V1Section, lacking
from tcclient.stream.capturestream import Upstream
from tcclient.stream.clients import stream_client
from tcclient.stream.connection import Timing
from tcclient.stream.standstill import STILL


@attrs.frozen
class TwitterV1(ConfiguredSource):
    """v1.1 with its settings."""

    section: V1Section
    keys: Keys

    post_ids = TWEET_IDS
    """How the id of a post is found in a line of this API."""

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

    def checks(self, surroundings: Surroundings) -> V1Checks:
        """Return the checks of v1.1, none of which asks Twitter."""
        return V1Checks(self.section, self.keys)


class TwitterV1Kind(SourceKind):
    """What v1.1 offers to the registry."""

    name = "twitter_v1"
    sections: Mapping[str, type[Struct]] = {TWITTER_AUTH: V1Auth, TWITTER: V1Section}
    secret_sections = (TWITTER_AUTH,)
    entries: tuple[type[Entry], ...] = (
        entries.Delete,
        entries.ScrubGeo,
        entries.LimitNotice,
        entries.StatusWithheld,
        entries.UserWithheld,
        entries.StallWarning,
        entries.AccountEvent,
        entries.ConnectionLimit,
    )
    post_ids: SnowflakeIds = TWEET_IDS
    tables: Mapping[str, Table] = {"limits": limits}

    def is_chosen(self, document: Mapping[str, Any]) -> bool:
        """Return whether `twitter.api` is "1.1"."""
        return api_of(document) == "1.1"

    def lacking(self, sections: Mapping[str, Struct]) -> Iterator[tuple[Where, str]]:
        """Yield each of the four keys that is missing."""
        return lacking(narrowed(sections[TWITTER_AUTH], V1Auth))

    def configured(self, sections: Mapping[str, Struct]) -> TwitterV1:
        """Return v1.1 with these settings."""
        keys = Keys.of(narrowed(sections[TWITTER_AUTH], V1Auth))
        return TwitterV1(narrowed(sections[TWITTER], V1Section), keys)

    def report(self) -> SourceReport:
        """Return an empty report, which takes the lines of one ledger."""
        return V1Report()
