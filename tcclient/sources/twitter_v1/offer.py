"""
v1.1 as the registry sees it: the settings that choose it, and what its ledgers say.

Imports what every start needs to know of it; the source is found by name when it is chosen, and
what an account says of it when there is one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from tcclient.ledger.entries import Entry
from tcclient.runtime.byname import load_by_name
from tcclient.runtime.keytypes import narrowed
from tcclient.runtime.places import Where
from tcclient.sources.advice import KeywordAdvice
from tcclient.sources.source import ConfiguredSource, SourceKind, SourceReport, Table
from tcclient.sources.twitter.ids import SnowflakeIds
from tcclient.sources.twitter.settings import TWITTER, TWITTER_AUTH, api_of, missing_keys
from tcclient.sources.twitter_v1 import entries
from tcclient.sources.twitter_v1.postids import TWEET_IDS
from tcclient.sources.twitter_v1.settings import Keys, V1Auth, V1Section


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

    @property
    def tables(self) -> Mapping[str, Table]:
        """The limit notices."""
        return {"limits": load_by_name("tcclient.sources.twitter_v1.report:limits")}

    def is_chosen(self, document: Mapping[str, Any]) -> bool:
        """Return whether `twitter.api` is "1.1"."""
        return api_of(document) == "1.1"

    def lacking(self, sections: Mapping[str, Struct]) -> Iterator[tuple[Where, str]]:
        """Yield each of the four keys that is missing."""
        needs = "API 1.1 needs api_key, api_secret, access_token and access_token_secret"
        return missing_keys(sections[TWITTER_AUTH], V1Auth.__struct_fields__, needs)

    def configured(self, sections: Mapping[str, Struct]) -> ConfiguredSource:
        make = load_by_name("tcclient.sources.twitter_v1.configured:TwitterV1")
        keys = Keys.of(narrowed(sections[TWITTER_AUTH], V1Auth))
        source: ConfiguredSource = make(narrowed(sections[TWITTER], V1Section), keys)
        return source

    def report(self) -> SourceReport:
        report: SourceReport = load_by_name("tcclient.sources.twitter_v1.report:V1Report")()
        return report

    def advice(self, text: str | None) -> KeywordAdvice:
        told: KeywordAdvice = load_by_name("tcclient.sources.twitter_v1.advice:advise")(text)
        return told
