"""
The shared stream: the one connection of v2, which brings the posts of every capture.

Knows what has to be done when the connection comes and goes.  What is done when captures do is
known to `sharedfeed`, and what happens to each is decided by `subscriptionlife`; the rules are kept
by `rules.book`, posts are handed out by `delivery`, and `budget.keeper` knows how many may be
bought.
"""

from collections.abc import Callable, Sequence

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred

from tcclient.control.reports import Glimpse
from tcclient.health.facts import LackingTerms, LimitFacts
from tcclient.ledger.endings import LEFT, Ending
from tcclient.runtime.timers import Timers
from tcclient.runtime.wallclock import Wall
from tcclient.sources.source import Source, Subscriber
from tcclient.sources.twitter_v2.api import StreamQuery
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.brake import Brake
from tcclient.sources.twitter_v2.budget.keeper import BudgetKeeper
from tcclient.sources.twitter_v2.budget.news import BudgetNews
from tcclient.sources.twitter_v2.delivery import ON_THE_WAY, Delivery
from tcclient.sources.twitter_v2.foreign import Foreign
from tcclient.sources.twitter_v2.glimpsing import glimpse
from tcclient.sources.twitter_v2.news import Claims, StreamNews
from tcclient.sources.twitter_v2.patience import Patience
from tcclient.sources.twitter_v2.repeats import Repeats
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.book import Rulebook
from tcclient.sources.twitter_v2.rules.held import HeldRules
from tcclient.sources.twitter_v2.rules.news import RuleNews
from tcclient.sources.twitter_v2.rules.wanted import RulePolicy
from tcclient.sources.twitter_v2.sharedfeed import SharedFeed, Sharing
from tcclient.sources.twitter_v2.slot.ownslot import OwnSlot
from tcclient.sources.twitter_v2.slot.record import RecordFile, connection_path
from tcclient.sources.twitter_v2.slot.usage import UsageWatch
from tcclient.sources.twitter_v2.subscription import Subscriptions
from tcclient.sources.twitter_v2.subscriptionlife import SWITCHED, new_subscription
from tcclient.sources.twitter_v2.switch import StreamSwitch
from tcclient.sources.twitter_v2.unrouted import Unrouted
from tcclient.storage.folders import Folders
from tcclient.storage.installation import Identity
from tcclient.stream.capturestream import Upstream
from tcclient.stream.framing import Overlong
from tcclient.stream.streamapi import StreamListener
from tcclient.stream.troublelog import TroubleLog

BUDGET = Ending("budget", "the budget is used up")
"""Why the connection is closed when a limit of the budget is reached."""


class SharedStream(MultiService, Source, StreamListener):
    """
    The source: gives each capture a subscription, and opens the stream that the subscriptions need.
    `folders` has the ledger that belongs to no capture, and takes posts that name no rule; `wall`
    dates what ledgers have.  `make_keeper` makes the budget keeper of the server for which a key
    stands, for what it reports to; without it there is no limit.  `slot` frees the app's slot for a
    connection, if the API of `upstream` does, and `usage` asks what of the plan is used.  With
    `keeps_duplicates` a post that comes again is stored again.
    """

    most_captures: int | None = None
    """Any number of captures share the connection."""

    def __init__(
        self,
        upstream: Upstream[StreamQuery],
        api: RuleApi,
        policy: RulePolicy,
        folders: Folders,
        wall: Wall,
        backfill: Backfill | None = None,
        make_keeper: Callable[[str, BudgetNews], BudgetKeeper] | None = None,
        slot: OwnSlot | None = None,
        usage: UsageWatch | None = None,
        *,
        keeps_duplicates: bool = False,
        post_price: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        clock, note = upstream.clock, folders.note
        self._policy = policy
        self.post_price = post_price
        self._make_keeper = make_keeper
        self._backfill = backfill = backfill or Backfill(wanted=False)
        self._subscriptions = subscriptions = Subscriptions(note)
        self._unrouted = unrouted = Unrouted(folders, subscriptions, clock)
        self._repeats = repeats = Repeats(
            unrouted.note, note, clock, keeps=keeps_duplicates, backfill=backfill.is_wanted
        )
        self._held = held = HeldRules(folders, policy.ownership)
        rule_news = RuleNews(subscriptions, policy.rule_delay, self._rules_seen, held)
        self._rulebook = rulebook = Rulebook(api, policy, rule_news, clock)
        self._claims = claims = Claims(subscriptions, rulebook)
        self._switch = switch = StreamSwitch(
            upstream, self, backfill, self._wanted, self._reason, lambda why: news.held_up(why)
        )
        self._news = news = StreamNews(subscriptions, claims, switch, TroubleLog(clock), clock)
        self._brake = brake = Brake(subscriptions, claims, switch)
        self._foreign = foreign = Foreign(note, rulebook, policy.rule_delay, post_price, clock)
        self._delivery = Delivery(subscriptions, rulebook, foreign, unrouted, switch.end)
        self._sharing = Sharing(
            subscriptions,
            rulebook,
            switch,
            news,
            brake,
            backfill,
            repeats,
            unrouted,
            policy.rule_length,
            clock,
            wall,
        )
        self._folders = folders
        self._timers = Timers(clock)
        self._slot = slot
        self._usage = usage
        for service in (foreign, unrouted, switch, slot, usage):
            if service is not None:
                service.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated

    def begin(self, identity: Identity) -> None:
        """Take rules and budget of this client for ours from now on; delete rules left behind."""
        self._policy.ownership.identity = identity
        if self._held.begin():
            self._rulebook.clear()
        self._unrouted.begin()
        if self._slot is not None:
            path = connection_path(self._folders.base_dir, identity.server)
            use, clock = self._folders.use, self._folders.clock
            record = RecordFile(path, identity.installation, use.writing, clock)
            self._slot.begin(record, lambda: self._switch.connected)
        if self._make_keeper is not None:
            news = BudgetNews(self._subscriptions, self._switch.aim, self._brake.review)
            self._brake.keeper = keeper = self._make_keeper(identity.server, news)
            keeper.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated

    def glimpse(self, post: bytes) -> Glimpse:
        return glimpse(post)

    def feed_for(self, job_id: int, subscriber: Subscriber) -> SharedFeed:
        clock = self._sharing.clock
        patience = Patience(clock, self._brake.review)
        return SharedFeed(
            self._sharing,
            new_subscription(job_id, subscriber, clock, patience, lambda: self._switch.silent),
        )

    def stopService(self) -> Deferred[None]:
        """Close the connection.  Fires when it is closed and what had arrived is counted."""
        # MultiService would stop the budget keeper and Foreign too soon: they count what still
        # arrives.
        Service.stopService(self)
        self._rulebook.stop()
        self._timers.stop("a rule works")
        return Deferred.fromCoroutine(self._end_all())

    async def _end_all(self) -> None:
        await self._switch.aim()
        await maybeDeferred(self._switch.stopService)
        # A disk that hangs is waited for once, not by one after the other.
        others = (one for one in (self._slot, self._usage) if one is not None)
        ending = [maybeDeferred(one.stopService) for one in others]
        for service in (self._unrouted, self._foreign, self._brake.keeper):
            if service is not None:
                await maybeDeferred(service.stopService)
        for ended in ending:
            await ended

    def part(self) -> None:
        """Let the rules stay at X from now on, so that the next process can go on with them."""
        self._sharing.is_parting = True

    def slept(self, seconds: float) -> None:
        self._backfill.slept(seconds)
        self._switch.slept(seconds)

    def limits(self) -> Sequence[LimitFacts]:
        """Return how far each limit of the budget is used, and X's cap, where X tells that."""
        keeper, usage = self._brake.keeper, self._usage
        ours = [] if keeper is None else keeper.limits()
        return (*ours, *(() if usage is None else usage.limits()))

    def terms_lacking(self, job_id: int) -> LackingTerms | None:
        """Return how many terms of a capture X has no rule for, and why not."""
        return self._rulebook.terms_lacking(job_id)

    def answered(self) -> Deferred[None]:
        """Expect posts that captures have stored already."""
        archives = (self._unrouted.archive, *(one.archive for one in self._subscriptions))
        minutes = self._backfill.asked or 0
        return self._repeats.begin([one for one in archives if one is not None], minutes)

    def opened(self) -> None:
        """Tell the captures whose posts come now, and read nothing if one of them is paused."""
        self._delivery.opened()
        self._news.opened()
        self._brake.review()

    def heard(self) -> None:
        """Tell the captures that posts come, and since when their keywords are in force."""
        self._news.heard(self._backfill.asked)
        self._repeats.heard()

    def received(self, messages: list[bytes | Overlong]) -> None:
        """Hand each post to every capture that it matched, and count it as spent."""
        self._backfill.heard(self._sharing.clock.seconds())
        self._repeats.look()
        delivered = self._delivery.take(
            messages,
            self._repeats,
            is_sample=self._switch.is_sample,
            ago=ON_THE_WAY + 60.0 * (self._backfill.asked or 0),
        )
        if self._brake.keeper is not None and delivered:
            self._brake.keeper.spend(delivered)

    def ended(self, ending: Ending) -> None:
        """Tell the captures that the connection has ended, or was not made."""
        if self._brake.keeper is not None:
            self._brake.keeper.cut()
        self._repeats.say()
        self._news.ended(ending)
        if ending.status == 409:
            self._rulebook.look()  # 409 means no rule: somebody has deleted ours
        if self._switch.query not in (None, self._wanted()):
            self._sharing.review()  # a sample that was kept for the time being does not come back

    def _rules_seen(self) -> None:
        """Tell the captures whose posts come or stop coming because the rules have changed."""
        self._sharing.review()
        self._timers.stop("a rule works")
        works_in = self._claims.works_in
        if self._switch.is_sample and works_in:
            self._timers.start("a rule works", works_in, self._sharing.review)
        self._news.rules_seen(self._policy.rule_delay)
        self._foreign.rules_seen()

    def _reason(self) -> Ending:
        if self._sharing.is_broke:
            return BUDGET
        return LEFT if self._sharing.is_parting else SWITCHED

    def _wanted(self) -> StreamQuery | None:
        """Return what to ask for; None where no connection is needed or allowed."""
        return self._claims.stream if self.running and not self._sharing.is_broke else None
