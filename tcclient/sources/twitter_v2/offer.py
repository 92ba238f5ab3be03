"""
v2 as the registry sees it: the settings that choose it, and what its ledgers say.

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
from tcclient.sources.twitter.settings import TWITTER, TWITTER_AUTH, missing_keys
from tcclient.sources.twitter_v2 import entries
from tcclient.sources.twitter_v2.envelopes import POST_IDS
from tcclient.sources.twitter_v2.settings import V2Auth, V2Section, section_faults


class TwitterV2Kind(SourceKind):
    """What v2 offers to the registry."""

    name = "twitter_v2"
    sections: Mapping[str, type[Struct]] = {TWITTER_AUTH: V2Auth, TWITTER: V2Section}
    secret_sections = (TWITTER_AUTH,)
    entries: tuple[type[Entry], ...] = (
        entries.RulesAccepted,
        entries.RulesDeleted,
        entries.RulesFailed,
        entries.RulesHeld,
        entries.ConnectionFreed,
        entries.SampleRefused,
        entries.BudgetUnkept,
        entries.BudgetExhausted,
        entries.BudgetRenewed,
        entries.ForeignPosts,
        entries.UnroutedPosts,
        entries.UnroutedUntold,
    )
    post_ids: SnowflakeIds = POST_IDS
    tables: Mapping[str, Table] = {}

    def is_chosen(self, document: Mapping[str, Any]) -> bool:
        """Return whether there is a section `twitter` or `twitter_auth`: v2 is the default."""
        return TWITTER in document or TWITTER_AUTH in document

    def lacking(self, sections: Mapping[str, Struct]) -> Iterator[tuple[Where, str]]:
        """Yield each key that is missing to have a bearer token."""
        auth = narrowed(sections[TWITTER_AUTH], V2Auth)
        names = ("api_key", "api_secret") if auth.bearer_token is None else ()
        return missing_keys(auth, names, "API 2 needs bearer_token, or api_key and api_secret")

    def faults(self, sections: Mapping[str, Struct]) -> Iterator[tuple[Where, str]]:
        """Yield fields that cannot be asked for, and a budget that is none."""
        return section_faults(narrowed(sections[TWITTER], V2Section))

    def configured(self, sections: Mapping[str, Struct]) -> ConfiguredSource:
        make = load_by_name("tcclient.sources.twitter_v2.configured:TwitterV2")
        auth = narrowed(sections[TWITTER_AUTH], V2Auth)
        source: ConfiguredSource = make(narrowed(sections[TWITTER], V2Section), auth)
        return source

    def report(self) -> SourceReport:
        report: SourceReport = load_by_name("tcclient.sources.twitter_v2.report:V2Report")()
        return report

    def advice(self, text: str | None) -> KeywordAdvice:
        told: KeywordAdvice = load_by_name("tcclient.sources.twitter_v2.advice:advise")(text)
        return told
