"""
v2 with its settings.

Knows all parts of the package and puts them together; does no work of its own.
"""

from functools import partial

from tcclient.http.clients import rest_client
from tcclient.runtime.backoff import Backoff
from tcclient.runtime.byname import load_by_name
from tcclient.runtime.threads import in_threads
from tcclient.sources.keptrules import KeptRules
from tcclient.sources.source import ConfiguredSource, SourceChecks, Surroundings
from tcclient.sources.twitter_v2.api import STALL_TIMEOUT, PostsApi
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.bearer import Bearer
from tcclient.sources.twitter_v2.budget.keeper import BudgetKeeper
from tcclient.sources.twitter_v2.budget.limits import limits_from
from tcclient.sources.twitter_v2.budget.news import BudgetNews
from tcclient.sources.twitter_v2.budget.records import record_path
from tcclient.sources.twitter_v2.envelopes import POST_IDS
from tcclient.sources.twitter_v2.fields import parameters
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.ownership import Ownership
from tcclient.sources.twitter_v2.rules.wanted import RulePolicy
from tcclient.sources.twitter_v2.settings import V2Auth, V2Section
from tcclient.sources.twitter_v2.sharedstream import SharedStream
from tcclient.sources.twitter_v2.slot.appapi import AppApi
from tcclient.sources.twitter_v2.slot.ownslot import OwnSlot
from tcclient.sources.twitter_v2.slot.usage import UsageWatch
from tcclient.stream.capturestream import Upstream
from tcclient.stream.clients import stream_client
from tcclient.stream.connection import Timing
from tcclient.stream.standstill import STILL


class TwitterV2(ConfiguredSource):
    """v2 with its settings."""

    post_ids = POST_IDS
    """How the id of a post is found in a line of this API."""

    def __init__(self, section: V2Section, auth: V2Auth) -> None:
        self.section = section
        self.auth = auth

    def make(self, surroundings: Surroundings) -> SharedStream:
        """Return the stream that all captures share, with its rules and its budget."""
        section, reactor, wall = self.section, surroundings.reactor, surroundings.wall
        bearer, backfill = self._bearer(surroundings), Backfill(section.backfill)
        api = PostsApi(
            stream_client(reactor, surroundings.source_addr, stock=section.stock_http),
            bearer,
            parameters(section.fields),
            section.stall_timeout or STALL_TIMEOUT,
            backfill,
        )
        app = AppApi(bearer)
        slot = OwnSlot(api, app, surroundings.folders, reactor, wall)
        timing = Timing(rest=surroundings.rest, still=STILL)
        return SharedStream(
            Upstream(slot, Backoff(), reactor, timing),
            RuleApi(bearer),
            RulePolicy(Ownership(), section.rule_length, section.rule_delay),
            surroundings.folders,
            wall,
            backfill,
            partial(self._budget_keeper, surroundings) if section.budget else None,
            slot,
            UsageWatch(app, reactor, wall),
            keeps_duplicates=surroundings.keeps_duplicates,
            post_price=section.post_price,
        )

    def checks(self, surroundings: Surroundings) -> SourceChecks:
        """Return the checks of v2, one of which asks X for the rules of the app."""
        bearer = self._bearer(surroundings)
        checks: SourceChecks = load_by_name("tcclient.sources.twitter_v2.checks:V2Checks")(
            self.section,
            self.auth,
            RuleApi(bearer),
            AppApi(bearer),
            surroundings.folders,
            in_threads(surroundings.reactor),
            surroundings.wall,
        )
        return checks

    def rules(self, surroundings: Surroundings) -> KeptRules:
        rules: KeptRules = load_by_name("tcclient.sources.twitter_v2.rules.store:AppRules")(
            RuleApi(self._bearer(surroundings)),
            surroundings.folders.installation,
            in_threads(surroundings.reactor),
        )
        return rules

    def _budget_keeper(
        self, surroundings: Surroundings, key: str, news: BudgetNews
    ) -> BudgetKeeper:
        """
        Return the keeper of the budget for the server that `key` stands for, which reports to
        `news` and heeds jumps of dates.
        """
        limits, wall = limits_from(self.section.budget), surroundings.wall
        folders = surroundings.folders
        path, threads = record_path(folders.base_dir, key), folders.use.writing
        keeper = BudgetKeeper(limits, path, surroundings.reactor, wall, news, threads=threads)
        wall.on_step(keeper.clock_stepped)
        wall.on_sleep(lambda sleep: keeper.clock_stepped(sleep.seconds))
        return keeper

    def _bearer(self, surroundings: Surroundings) -> Bearer:
        auth, reactor = self.auth, surroundings.reactor
        return Bearer(
            # From the same address always, as X may know one only.
            rest_client(reactor, surroundings.source_addr),
            self.section.api_url,
            auth.api_key,
            auth.api_secret,
            auth.bearer_token,
            surroundings.user_agent,
            reactor,
            surroundings.wall,
        )
