"""
The shared stream: the one connection of v2, which brings the posts of every capture.

Knows what has to be done when captures come and go, and when the connection does.  What happens to
each capture is decided by `subscriptionlife`; the rules are kept by `rules.book`, posts are handed
out by `delivery`, and `budget.keeper` knows how many may be bought.
"""

from collections.abc import Callable

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred

from tcclient.ledger import entries
from tcclient.ledger.endings import LEFT, STOPPED, Ending
from tcclient.runtime.producers import Pausable
from tcclient.runtime.wallclock import Wall
from tcclient.sources.source import Source, Subscriber, Understood
from tcclient.sources.twitter_v2.api import StreamQuery
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.budget.keeper import BudgetKeeper, BudgetListener
from tcclient.sources.twitter_v2.budget.news import BudgetNews
from tcclient.sources.twitter_v2.delivery import Delivery, Foreign
from tcclient.sources.twitter_v2.news import Claims, StreamNews
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.book import Rulebook
from tcclient.sources.twitter_v2.rules.clauses import clauses
from tcclient.sources.twitter_v2.rules.news import RuleNews, rules_before
from tcclient.sources.twitter_v2.rules.wanted import RulePolicy
from tcclient.sources.twitter_v2.subscription import (
    Subscription,
    SubscriptionHost,
    Subscriptions,
)
from tcclient.sources.twitter_v2.subscriptionlife import SWITCHED
from tcclient.sources.twitter_v2.switch import StreamSwitch
from tcclient.storage.folders import Note
from tcclient.storage.installation import Identity
from tcclient.stream.capturestream import StreamListener, Upstream
from tcclient.stream.framing import Overlong
from tcclient.stream.troublelog import TroubleLog

BUDGET = Ending("budget", "the budget is used up")
"""Why the connection is closed when a limit of the budget is reached."""


class SharedStream(MultiService, Source, SubscriptionHost, StreamListener):
    """
    The source: gives each capture a subscription, and opens the stream that the subscriptions need.
    `note` writes a line into the ledger that belongs to no capture; it does not raise.
    `wall` dates what ledgers have.  `make_keeper` makes the budget keeper for its listener, of the
    server for which a key stands; without it there is no limit.
    """

    most_captures: int | None = None
    """Any number of captures share the connection."""

    def __init__(
        self,
        upstream: Upstream[StreamQuery],
        api: RuleApi,
        policy: RulePolicy,
        note: Note,
        wall: Wall,
        backfill: Backfill | None = None,
        make_keeper: Callable[[str, BudgetListener], BudgetKeeper] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        clock, subscriptions = upstream.clock, Subscriptions(note)
        self._clock = clock
        self._policy = policy
        self._note = note
        self._wall = wall
        self._make_keeper = make_keeper
        self._keeper: BudgetKeeper | None = None
        self._parting = False
        self._backfill = backfill or Backfill(wanted=False)
        self._subscriptions = subscriptions
        rule_news = RuleNews(subscriptions, policy.rule_delay, self._rules_seen)
        self._rulebook = rulebook = Rulebook(api, policy, rule_news, clock)
        self._claims = claims = Claims(subscriptions, rulebook)
        self._switch = StreamSwitch(upstream, self, self._backfill, self._wanted, self._reason)
        self._news = StreamNews(subscriptions, claims, self._switch, TroubleLog(clock), clock)
        self._foreign = foreign = Foreign(note, clock)
        self._delivery = Delivery(subscriptions, rulebook.route, foreign, self._switch.end)
        for service in (foreign, self._switch):
            service.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated

    def begin(self, identity: Identity) -> None:
        """Take rules and budget of this client for ours from now on."""
        self._policy.ownership.identity = identity
        if self._make_keeper is not None:
            news = BudgetNews(self._subscriptions, self._switch.aim)
            self._keeper = self._make_keeper(identity.server, news)
            self._keeper.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated

    def feed_for(self, job_id: int, subscriber: Subscriber) -> Subscription:
        """Return a subscription to the shared stream, for a capture that begins."""
        return Subscription(self, job_id, subscriber)

    def stopService(self) -> Deferred[None]:
        """Close the connection.  Fires when it is closed and what had arrived is counted."""
        # MultiService would stop the budget keeper and Foreign too soon: they count what still
        # arrives.
        Service.stopService(self)
        self._rulebook.stop()
        return Deferred.fromCoroutine(self._end_all())

    async def _end_all(self) -> None:
        await self._switch.aim()
        for service in (self._switch, self._foreign, self._keeper):
            if service is not None:
                await maybeDeferred(service.stopService)

    def part(self) -> None:
        """Let the rules stay at X from now on, so that the next process can go on with them."""
        self._parting = True

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte; None where the stream is not heard."""
        return self._switch.silent

    def has(self, subscription: Subscription) -> bool:
        """Return whether the capture asks for anything here."""
        return self._subscriptions.has(subscription)

    def serves(self, subscription: Subscription) -> bool:
        """Return whether the stream is open and brings the subscription's posts."""
        return self._news.serves(subscription)

    def follow(self, subscription: Subscription, text: str | None) -> Understood:
        """
        Have rules for the keyword text kept at X; without keywords, ask for the sample.  Return how
        the text was understood.

        A subscription that is new here takes up what an earlier process has left: its rules, and
        the posts that were missed.
        """
        found, refused = clauses(text, self._policy.rule_length)
        now = self._clock.seconds()
        if not self.has(subscription) and subscription.archive is not None:
            lines = subscription.archive.newest_lines()
            before = rules_before(lines, subscription.job_id, self._wall())
            self._rulebook.remember(subscription.job_id, before)
            if found and not self._is_broke():
                self._backfill.resume(subscription.archive, now)
        self._subscriptions.add(subscription)
        subscription.life.want(text, not found and not refused, now)
        if found:
            self._rulebook.want(subscription.job_id, found)
        else:
            self._rulebook.drop(subscription.job_id)
            # Not now: the capture notes first what it asks for.
            self._clock.callLater(0, self._news.joined, subscription)
        self._review()
        asked = {"clauses": [clause.text for clause in found]} if found else {}
        return Understood(None if refused and not found else asked, refused)

    async def leave(self, subscription: Subscription) -> None:
        """
        Bring the capture nothing more.  Returns when what has arrived for it is stored and the
        connection is what the others need.
        """
        if not self.has(subscription):
            return
        subscription.life.withdraw()
        if not self._parting:
            self._rulebook.drop(subscription.job_id)
        await self._switch.drain()
        subscription.life.lose(self._switch.dated(LEFT if self._parting else STOPPED))
        self._subscriptions.remove(subscription)
        await self._review()

    def forget(self, subscription: Subscription) -> None:
        """Have the rules deleted that an earlier process left for a capture that is not here."""
        if not self.has(subscription):
            self._rulebook.forget(subscription.job_id)

    def read_or_not(self) -> None:
        """Pause the connection while a capture cannot take posts; resume it when all can."""
        paused = any(subscription.is_paused for subscription in self._subscriptions)
        producers: list[Pausable] = [self._switch]
        if self._keeper is not None and self._switch.connected:
            producers.append(self._keeper)
        for producer in producers:
            (producer.pauseProducing if paused else producer.resumeProducing)()

    def opened(self) -> None:
        """Tell the captures whose posts come now, and read nothing if one of them is paused."""
        self._delivery.opened()
        self._news.opened()
        self.read_or_not()

    def heard(self) -> None:
        """Tell the captures that posts come, and since when their keywords are in force."""
        self._news.heard(self._backfill.asked)

    def received(self, messages: list[bytes | Overlong]) -> None:
        """Hand each post to every capture that it matched, and count it as spent."""
        self._backfill.heard(self._clock.seconds())
        delivered = self._delivery.take(messages, self._backfill, is_sample=self._switch.is_sample)
        if self._keeper is not None and delivered:
            self._keeper.spend(delivered)

    def ended(self, ending: Ending) -> None:
        """Tell the captures that the connection has ended, or was not made."""
        if self._keeper is not None:
            self._keeper.cut()
        if self._backfill.again:
            self._note(entries.DeliveredAgain(posts=self._backfill.again))
            self._backfill.again = 0
        self._news.ended(ending)
        if ending.status == 409:
            self._rulebook.look()  # 409 means no rule: somebody has deleted ours

    def _rules_seen(self) -> None:
        """Tell the captures whose posts come or stop coming because the rules have changed."""
        self._review()
        self._news.rules_seen(self._policy.rule_delay)

    def _review(self) -> Deferred[None]:
        """
        Refuse the sample to captures that want it beside captures with keywords, pause or resume,
        and switch the connection.  Called when the subscriptions, or what they ask for, may have
        changed; fires when the connection is switched.
        """
        self._news.admit_or_refuse()
        self.read_or_not()
        return self._switch.aim()

    def _reason(self) -> Ending:
        """Return why the connection is closed."""
        if self._is_broke():
            return BUDGET
        return LEFT if self._parting else SWITCHED

    def _is_broke(self) -> bool:
        return self._keeper is not None and self._keeper.exhausted

    def _wanted(self) -> StreamQuery | None:
        """Return what to ask for; None where no connection is needed or allowed."""
        return self._claims.stream if self.running and not self._is_broke() else None
