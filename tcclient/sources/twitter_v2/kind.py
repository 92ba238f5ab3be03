"""
v2 as the registry sees it: the settings that choose it, and the source that they make.

Knows all parts of the package and puts them together; does no work of its own.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import attrs
from msgspec import Struct

from tcclient.http.clients import rest_client
from tcclient.ledger.entries import Entry
from tcclient.runtime.backoff import Backoff
from tcclient.runtime.keytypes import narrowed
from tcclient.runtime.places import Where
from tcclient.runtime.threads import in_threads
from tcclient.sources.source import ConfiguredSource, SourceKind, SourceReport, Surroundings, Table
from tcclient.sources.twitter.ids import SnowflakeIds
from tcclient.sources.twitter.settings import TWITTER, TWITTER_AUTH
from tcclient.sources.twitter_v2 import entries
from tcclient.sources.twitter_v2.api import STALL_TIMEOUT, PostsApi
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.bearer import Bearer
from tcclient.sources.twitter_v2.budget.file import record_path
from tcclient.sources.twitter_v2.budget.keeper import BudgetKeeper, BudgetListener
from tcclient.sources.twitter_v2.budget.limits import limits_from
from tcclient.sources.twitter_v2.checks import V2Checks
from tcclient.sources.twitter_v2.envelopes import POST_IDS
from tcclient.sources.twitter_v2.fields import parameters
from tcclient.sources.twitter_v2.report import V2Report
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.ownership import Ownership
from tcclient.sources.twitter_v2.rules.store import AppRules
from tcclient.sources.twitter_v2.rules.wanted import RulePolicy
from tcclient.sources.twitter_v2.settings import V2Auth, V2Section, lacking, section_faults
from tcclient.sources.twitter_v2.sharedstream import SharedStream
from tcclient.stream.capturestream import Upstream
from tcclient.stream.clients import stream_client
from tcclient.stream.connection import Timing
from tcclient.stream.standstill import STILL


@attrs.frozen
class TwitterV2(ConfiguredSource):
    """v2 with its settings."""

    section: V2Section
    auth: V2Auth

    post_ids = POST_IDS
    """How the id of a post is found in a line of this API."""

    def make(self, surroundings: Surroundings) -> SharedStream:
        """Return the stream that all captures share, with its rules and its budget."""
        section, reactor = self.section, surroundings.reactor
        bearer, backfill = self._bearer(surroundings), Backfill(section.backfill)
        api = PostsApi(
            stream_client(reactor, surroundings.source_addr, stock=section.stock_http),
            section.api_url,
            bearer,
            parameters(section.fields),
            reactor,
            section.stall_timeout or STALL_TIMEOUT,
            backfill,
        )
        timing = Timing(rest=surroundings.rest, still=STILL)
        return SharedStream(
            Upstream(api, Backoff(), reactor, timing),
            self._rule_api(surroundings, bearer),
            RulePolicy(Ownership(), section.rule_length, section.rule_delay),
            surroundings.folders.note,
            surroundings.wall,
            backfill,
            partial(self._budget_keeper, surroundings) if section.budget else None,
        )

    def checks(self, surroundings: Surroundings) -> V2Checks:
        """Return the checks of v2, one of which asks X for the rules of the app."""
        return V2Checks(
            self.section,
            self.auth,
            self._rule_api(surroundings, self._bearer(surroundings)),
            surroundings.folders,
            in_threads(surroundings.reactor),
            surroundings.wall,
        )

    def rules(self, surroundings: Surroundings) -> AppRules:
        """Return the rules of the app."""
        return AppRules(
            self._rule_api(surroundings, self._bearer(surroundings)),
            surroundings.folders.installation,
            in_threads(surroundings.reactor),
        )

    def _budget_keeper(
        self, surroundings: Surroundings, key: str, stream: BudgetListener
    ) -> BudgetKeeper:
        """
        Return the keeper of the budget for the server that `key` stands for, which reports to
        `stream` and heeds clock steps.
        """
        limits, wall = limits_from(self.section.budget), surroundings.wall
        path = record_path(surroundings.folders.base_dir, key)
        keeper = BudgetKeeper(limits, path, surroundings.reactor, wall, stream)
        wall.on_step(keeper.clock_stepped)
        return keeper

    def _bearer(self, surroundings: Surroundings) -> Bearer:
        auth, reactor = self.auth, surroundings.reactor
        return Bearer(
            rest_client(reactor),
            self.section.api_url,
            auth.api_key,
            auth.api_secret,
            auth.bearer_token,
            surroundings.user_agent,
            reactor,
            surroundings.wall,
        )

    def _rule_api(self, surroundings: Surroundings, bearer: Bearer) -> RuleApi:
        reactor = surroundings.reactor
        return RuleApi(rest_client(reactor), self.section.api_url, bearer, reactor)


class TwitterV2Kind(SourceKind):
    """What v2 offers to the registry."""

    name = "twitter_v2"
    sections: Mapping[str, type[Struct]] = {TWITTER_AUTH: V2Auth, TWITTER: V2Section}
    secret_sections = (TWITTER_AUTH,)
    entries: tuple[type[Entry], ...] = (
        entries.RulesAccepted,
        entries.RulesDeleted,
        entries.RulesFailed,
        entries.SampleRefused,
        entries.BudgetUnkept,
        entries.BudgetExhausted,
        entries.BudgetRenewed,
        entries.ForeignPosts,
    )
    post_ids: SnowflakeIds = POST_IDS
    tables: Mapping[str, Table] = {}

    def is_chosen(self, document: Mapping[str, Any]) -> bool:
        """Return whether there is a section `twitter` or `twitter_auth`: v2 is the default."""
        return TWITTER in document or TWITTER_AUTH in document

    def lacking(self, sections: Mapping[str, Struct]) -> Iterator[tuple[Where, str]]:
        """Yield each key that is missing to have a bearer token."""
        return lacking(narrowed(sections[TWITTER_AUTH], V2Auth))

    def faults(self, sections: Mapping[str, Struct]) -> Iterator[tuple[Where, str]]:
        """Yield fields that cannot be asked for, and a budget that is none."""
        return section_faults(narrowed(sections[TWITTER], V2Section))

    def configured(self, sections: Mapping[str, Struct]) -> TwitterV2:
        """Return v2 with these settings."""
        auth = narrowed(sections[TWITTER_AUTH], V2Auth)
        return TwitterV2(narrowed(sections[TWITTER], V2Section), auth)

    def report(self) -> SourceReport:
        """Return a report, which takes the lines of one ledger and says nothing of them."""
        return V2Report()
