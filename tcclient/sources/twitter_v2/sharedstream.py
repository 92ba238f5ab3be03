"""
The shared stream: the one connection of v2, which brings the posts of every capture.

Knows what has to be done when captures come and go, and when the connection does.  What happens to
each capture is decided by `subscriptionlife`; the rules are kept by `rules.book`, posts are handed
out by `delivery`, and `budget.keeper` knows how many may be bought.
"""

from collections.abc import Callable

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred

from tcclient.ledger.endings import LEFT, STOPPED, Ending
from tcclient.runtime.wallclock import Wall
from tcclient.sources.source import Feed, Source, Subscriber, Understood
from tcclient.sources.twitter_v2.api import StreamQuery
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.brake import Brake
from tcclient.sources.twitter_v2.budget.keeper import BudgetKeeper
from tcclient.sources.twitter_v2.budget.news import BudgetNews
from tcclient.sources.twitter_v2.delivery import ON_THE_WAY, Delivery
from tcclient.sources.twitter_v2.foreign import Foreign
from tcclient.sources.twitter_v2.news import Claims, StreamNews
from tcclient.sources.twitter_v2.patience import Patience
from tcclient.sources.twitter_v2.repeats import Repeats
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.book import Rulebook
from tcclient.sources.twitter_v2.rules.clauses import clauses
from tcclient.sources.twitter_v2.rules.held import HeldRules
from tcclient.sources.twitter_v2.rules.news import RuleNews, rules_before
from tcclient.sources.twitter_v2.rules.wanted import RulePolicy
from tcclient.sources.twitter_v2.subscription import Subscription, Subscriptions
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
    stands, for what it reports to; without it there is no limit.  With `keeps_duplicates` a post
    that comes again is stored again.
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
        *,
        keeps_duplicates: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        clock, note = upstream.clock, folders.note
        subscriptions = Subscriptions(note)
        self._clock = clock
        self._policy = policy
        self._wall = wall
        self._make_keeper = make_keeper
        self._keeper: BudgetKeeper | None = None
        self._parting = False
        self._backfill = backfill or Backfill(wanted=False)
        self._unrouted = unrouted = Unrouted(folders, subscriptions, clock)
        self._repeats = Repeats(
            unrouted.note,
            note,
            clock,
            keeps=keeps_duplicates,
            backfill=self._backfill.is_wanted,
        )
        self._subscriptions = subscriptions
        self._held = held = HeldRules(folders, policy.ownership)
        rule_news = RuleNews(subscriptions, policy.rule_delay, self._rules_seen, held)
        self._rulebook = rulebook = Rulebook(api, policy, rule_news, clock)
        self._claims = claims = Claims(subscriptions, rulebook)
        self._switch = StreamSwitch(upstream, self, self._backfill, self._wanted, self._reason)
        self._news = StreamNews(subscriptions, claims, self._switch, TroubleLog(clock), clock)
        self._brake = Brake(subscriptions, claims, self._switch)
        self._foreign = foreign = Foreign(note, rulebook, policy.rule_delay, clock)
        self._delivery = Delivery(subscriptions, rulebook, foreign, unrouted, self._switch.end)
        for service in (foreign, unrouted, self._switch):
            service.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated

    def begin(self, identity: Identity) -> None:
        """Take rules and budget of this client for ours from now on; delete rules left behind."""
        self._policy.ownership.identity = identity
        if self._held.begin():
            self._rulebook.clear()
        self._unrouted.begin()
        if self._make_keeper is not None:
            news = BudgetNews(self._subscriptions, self._switch.aim)
            self._keeper = self._brake.keeper = self._make_keeper(identity.server, news)
            self._keeper.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated

    def feed_for(self, job_id: int, subscriber: Subscriber) -> "SharedFeed":
        """Return a share of the stream, for a capture that begins."""
        patience = Patience(self._clock, self._brake.review)
        return SharedFeed(
            self,
            new_subscription(job_id, subscriber, self._clock, patience, lambda: self.silent),
        )

    def stopService(self) -> Deferred[None]:
        """Close the connection.  Fires when it is closed and what had arrived is counted."""
        # MultiService would stop the budget keeper and Foreign too soon: they count what still
        # arrives.
        Service.stopService(self)
        self._rulebook.stop()
        return Deferred.fromCoroutine(self._end_all())

    async def _end_all(self) -> None:
        await self._switch.aim()
        for service in (self._switch, self._unrouted, self._foreign, self._keeper):
            if service is not None:
                await maybeDeferred(service.stopService)

    def part(self) -> None:
        """Let the rules stay at X from now on, so that the next process can go on with them."""
        self._parting = True

    def slept(self, seconds: float) -> None:
        """Tell the stream that the machine slept."""
        self._backfill.slept(seconds)
        self._switch.slept(seconds)

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
                self._backfill.resume(subscription.archive.missed, now)
            self._repeats.join(subscription.archive)
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
        self._unrouted.leave(subscription.job_id)
        subscription.life.lose(self._switch.dated(LEFT if self._parting else STOPPED))
        self._repeats.leave(subscription.job_id)
        self._subscriptions.remove(subscription)
        await self._review()

    def forget(self, subscription: Subscription) -> None:
        """Have the rules deleted that an earlier process left for a capture that is not here."""
        if not self.has(subscription):
            self._rulebook.forget(subscription.job_id)

    def pause(self, subscription: Subscription) -> None:
        """Have the stream not read for a while, as this capture cannot take posts."""
        subscription.patience.inputs.pause()
        self._brake.review()

    def resume(self, subscription: Subscription) -> None:
        """Have the stream read, unless another capture is awaited; this one takes posts again."""
        subscription.patience.inputs.resume()
        self._brake.review()
        self._news.refilled(subscription)

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
        self._backfill.heard(self._clock.seconds())
        self._repeats.look()
        delivered = self._delivery.take(
            messages,
            self._repeats,
            is_sample=self._switch.is_sample,
            ago=ON_THE_WAY + 60.0 * (self._backfill.asked or 0),
        )
        if self._keeper is not None and delivered:
            self._keeper.spend(delivered)

    def ended(self, ending: Ending) -> None:
        """Tell the captures that the connection has ended, or was not made."""
        if self._keeper is not None:
            self._keeper.cut()
        self._repeats.say()
        self._news.ended(ending)
        if ending.status == 409:
            self._rulebook.look()  # 409 means no rule: somebody has deleted ours

    def _rules_seen(self) -> None:
        """Tell the captures whose posts come or stop coming because the rules have changed."""
        self._review()
        self._news.rules_seen(self._policy.rule_delay)
        self._foreign.rules_seen()

    def _review(self) -> Deferred[None]:
        """
        Refuse the sample to captures that want it beside captures with keywords, pause or resume,
        and switch the connection.  Called when the subscriptions, or what they ask for, may have
        changed; fires when the connection is switched.
        """
        self._news.admit_or_refuse()
        self._brake.review()
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


class SharedFeed(Service, Feed):
    """The feed of one capture: its subscription to the shared stream."""

    def __init__(self, stream: SharedStream, subscription: Subscription) -> None:
        self._stream = stream
        self._subscription = subscription

    @property
    def streaming(self) -> bool:
        """Whether the shared stream is open and brings this capture's posts."""
        return self._stream.serves(self._subscription)

    @property
    def quiet(self) -> bool:
        """Whether nothing is asked for."""
        return not self._stream.has(self._subscription)

    @property
    def silent(self) -> float | None:
        """
        Seconds since the last byte, or since the last that was not missed; None where the ledger
        has the stream as not open for another reason.
        """
        one = self._subscription
        return self._stream.silent if one.is_served else one.dry_for

    def ask(self, text: str | None) -> Understood:
        """Have rules for the keywords kept at X, or without any ask for the sample of all posts."""
        return self._stream.follow(self._subscription, text)

    async def cease(self) -> None:
        """Have the rules deleted.  Returns when what has arrived is stored."""
        await self._stream.leave(self._subscription)

    def forget(self) -> None:
        """Have the rules deleted that an earlier process has left at X."""
        self._stream.forget(self._subscription)

    def pauseProducing(self) -> None:
        """Have the shared stream not read for a while: this capture cannot take posts."""
        self._stream.pause(self._subscription)

    def resumeProducing(self) -> None:
        """Have the shared stream read again, unless another capture is awaited."""
        self._stream.resume(self._subscription)
