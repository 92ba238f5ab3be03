"""
The shared stream: the one connection of v2, which brings the posts of every capture.

Knows when the connection has to be opened and closed.  The rules are kept by `rules.book`, posts
are handed out by `delivery`, and `budget.keeper` knows how many may be bought.
"""

from collections.abc import Callable

import attrs
from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.logger import Logger

from tcclient.ledger import entries
from tcclient.ledger.endings import LEFT, STOPPED, Ending
from tcclient.sources.source import Source, Subscriber, Understood
from tcclient.sources.twitter_v2 import entries as v2entries
from tcclient.sources.twitter_v2.api import StreamQuery
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.budget.budget import LimitUse, utc_minute
from tcclient.sources.twitter_v2.budget.keeper import BudgetKeeper, BudgetListener
from tcclient.sources.twitter_v2.delivery import Delivery, Foreign
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.book import Rulebook, RulePolicy
from tcclient.sources.twitter_v2.rules.clauses import clauses
from tcclient.sources.twitter_v2.rules.news import RuleNews, rules_before
from tcclient.sources.twitter_v2.subscription import (
    Subscription,
    SubscriptionHost,
    Subscriptions,
    names,
)
from tcclient.storage.folders import Note
from tcclient.stream.capturestream import CaptureStream, StreamListener, Upstream
from tcclient.stream.framing import Overlong
from tcclient.stream.troublelog import TroubleLog

log = Logger()

BUDGET = Ending("budget", "the budget is used up")
"""Why the connection is closed when a limit of the budget is reached."""
NO_RULE = Ending("rules", "X has no rule of it that can be used")
"""Why a capture gets nothing, although the connection is open."""
SWITCHED = Ending("switched", "another stream, or none, is asked for")
"""Why the connection is closed when captures want another stream, or none."""

_NOT_ALONE = (
    "without keywords it asks for the sample of all posts, which cannot be captured beside "
    "captures with keywords"
)


class SharedStream(MultiService, Source, SubscriptionHost, StreamListener, BudgetListener):
    """
    The source: gives each capture a subscription, and opens the stream that the subscriptions need.
    `note` writes a line into the ledger that belongs to no capture; it does not raise.
    `make_keeper` makes the budget keeper, which reports to this object; without it there is no
    limit.
    """

    most_captures: int | None = None
    """Any number of captures share the connection."""

    def __init__(
        self,
        upstream: Upstream[StreamQuery],
        api: RuleApi,
        policy: RulePolicy,
        note: Note,
        backfill: Backfill | None = None,
        make_keeper: Callable[["SharedStream"], BudgetKeeper] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._upstream = upstream
        self._clock = upstream.clock
        self._policy = policy
        self._subscriptions = Subscriptions(note)
        news = RuleNews(self._subscriptions, policy.rule_delay, self._rules_seen)
        self._rulebook = Rulebook(api, policy, news, upstream.clock)
        self._note = note
        self._parting = False
        self._keeper = make_keeper(self) if make_keeper else None
        if self._keeper is not None:
            self._keeper.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        self._backfill = backfill or Backfill(wanted=False)
        foreign = Foreign(note, upstream.clock)
        foreign.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        self._delivery = Delivery(self._subscriptions, self._rulebook.routing, foreign, self._end)
        self._stream: CaptureStream[StreamQuery] | None = None
        self._turn = DeferredLock()
        self._trouble = TroubleLog(upstream.clock)

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
        await self._aim()
        for service in reversed(list(self)):
            await maybeDeferred(service.stopService)

    def part(self) -> None:
        """
        Let the rules stay at X from now on, so that the next process goes on with them at once.
        """
        self._parting = True

    @property
    def connected(self) -> bool:
        """Whether the stream is open."""
        return self._stream is not None and self._stream.connected

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte; None where the stream is not heard."""
        stream = self._stream
        return stream.silent if stream is not None and stream.is_heard else None

    def has(self, subscription: Subscription) -> bool:
        """Return whether the capture asks for anything here."""
        return self._subscriptions.has(subscription)

    def serves(self, subscription: Subscription) -> bool:
        """
        Return whether the stream is open and brings the subscription's posts: X has a rule of it,
        or it is the sample.
        """
        if self._stream is None or not self._stream.connected or not self.has(subscription):
            return False
        return (
            subscription.is_sample
            if self._stream.query.is_sample
            else self._has_rules(subscription)
        )

    def follow(self, subscription: Subscription, text: str | None) -> Understood:
        """
        Have rules for the keyword text kept at X; without keywords, ask for the sample.  Return how
        the text was understood.

        A subscription that is new here takes up what an earlier process has left: its rules, and
        the posts that were missed.
        """
        found, refused = clauses(text, self._policy.rule_length)
        if not self.has(subscription) and subscription.archive is not None:
            before = rules_before(subscription.archive.newest_lines(), subscription.job_id)
            self._rulebook.remember(subscription.job_id, before.left, before.deleted)
            if found and not self._is_broke():
                self._backfill.resume(subscription.archive, self._clock.seconds())
        self._subscriptions.add(subscription)
        subscription.text, subscription.text_is_news = text, True
        subscription.served = self._clock.seconds()
        subscription.is_sample = not found and not refused
        if found:
            self._rulebook.want(subscription.job_id, found)
        else:
            self._rulebook.drop(subscription.job_id)
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
        subscription.leaving = True
        if not self._parting:
            self._rulebook.drop(subscription.job_id)
        if self._stream is not None:
            await self._stream.drain()
        if subscription.announced and subscription.archive is not None and self._stream is not None:
            stream = self._stream
            ending = LEFT if self._parting else STOPPED
            subscription.archive.capture_log.unheard(
                attrs.evolve(ending, silent=stream.silent, unread=stream.is_unread)
            )
        subscription.announced = subscription.refused = subscription.leaving = False
        self._subscriptions.remove(subscription)
        await self._review()

    def forget(self, subscription: Subscription) -> None:
        """
        Have the rules deleted that an earlier process left for a capture that asks for nothing
        here.
        """
        if not self.has(subscription):
            self._rulebook.forget(subscription.job_id)

    def read_or_not(self) -> None:
        """
        Pause the connection while any subscription is paused, which would lose a post that it
        cannot take; resume it when none is.
        """
        if self._stream is not None:
            paused = any(subscription.is_paused for subscription in self._subscriptions)
            (self._stream.pauseProducing if paused else self._stream.resumeProducing)()
            if self._keeper is not None and self._stream.connected:
                (self._keeper.pauseProducing if paused else self._keeper.resumeProducing)()

    def _rules_seen(self) -> None:
        """Tell the captures whose posts come or stop coming because the rules have changed."""
        self._review()
        self._renounce()
        news = self._announce()
        self._tell_texts()
        for subscription in news:
            log.info(
                "Capture {name!r} is connected: X has its rules, and they work within {delay:g} s.",
                name=subscription.title,
                delay=self._policy.rule_delay,
            )

    def budget_exhausted(self, level: LimitUse, until: float) -> None:
        """
        Note in the log and in all ledgers that the budget is used up, and close the connection.
        """
        log.warn(
            "The budget of this {name} is used up, {used} of {limit} posts: nothing is captured "
            "before {until}.",
            name=level.name,
            used=level.used,
            limit=level.limit,
            until=utc_minute(until),
        )
        self._subscriptions.note_all(
            v2entries.BudgetExhausted(
                name=level.name,
                spent=level.spent,
                limit=level.limit,
                until=entries.moment(until),
                estimated=level.estimated,
            )
        )
        self._aim()

    def budget_unkept(self, reason: str) -> None:
        """
        Note in the log and in all ledgers that the spending cannot be kept on disk, and close the
        connection.
        """
        log.error(
            "What is spent of the budget cannot be kept on disk ({reason}): nothing is captured "
            "until it can.",
            reason=reason,
        )
        self._subscriptions.note_all(v2entries.BudgetUnkept(reason=reason))
        self._aim()

    def budget_renewed(self) -> None:
        """Note in the log and in all ledgers that posts may be bought again, and connect."""
        log.info("Posts may be bought again.")
        self._subscriptions.note_all(v2entries.BudgetRenewed())
        self._aim()

    def opened(self) -> None:
        """
        Tell the captures whose posts come now, and pause the connection if one of them is paused.
        """
        if self._stream is not None:
            query = self._stream.query
            self._trouble.opened(names(self._asking()), f"{self._endpoint()}, {query}")
            self._delivery.opened()
            self._announce()
            self.read_or_not()

    def heard(self) -> None:
        """
        Note in the ledgers of the captures that posts come, and since when their keywords are in
        force.
        """
        for subscription in self._subscriptions.announced():
            if subscription.archive is not None:
                subscription.archive.capture_log.heard(
                    self._backfill.asked, self._begins_in(subscription)
                )
        self._tell_texts()

    def received(self, messages: list[bytes | Overlong]) -> None:
        """Hand each post to every capture that it matched, and count it as spent."""
        is_sample = self._stream is not None and self._stream.query.is_sample
        self._backfill.heard(self._clock.seconds())
        delivered = self._delivery.take(messages, self._backfill, is_sample=is_sample)
        if self._keeper is not None and delivered:
            self._keeper.spend(delivered)

    def ended(self, ending: Ending) -> None:
        """
        Note in the log and in the ledgers of the captures that the connection ended or was not
        made.
        """
        if self._keeper is not None:
            self._keeper.cut()
        self._trouble.ended(names(self._asking()), ending)
        if self._backfill.again:
            self._note(entries.DeliveredAgain(posts=self._backfill.again))
            self._backfill.again = 0
        if ending.was_connected:
            for subscription in self._subscriptions.announced():
                if subscription.archive is not None:
                    subscription.archive.capture_log.unheard(ending)
                subscription.announced = False
        else:
            for subscription in self._asking():
                if subscription.archive is not None:
                    subscription.archive.capture_log.not_reached(ending)
        if ending.status == 409:
            self._rulebook.look()  # 409 means no rule: somebody has deleted ours

    def _renounce(self) -> None:
        """
        Note for which captures no posts come any more, because X has no rule of theirs.  Where
        somebody else has deleted the rules, nobody knows since when: at most since they were read
        last.
        """
        now = self._clock.seconds()
        for subscription in self._subscriptions.announced():
            if self.serves(subscription):
                subscription.served = now
            elif self.connected and not subscription.leaving and subscription.archive is not None:
                silent = now - subscription.served
                subscription.archive.capture_log.unheard(attrs.evolve(NO_RULE, silent=silent))
                subscription.announced = False
                log.warn(
                    "Capture {name!r} gets nothing: {why}.",
                    name=subscription.title,
                    why=NO_RULE.detail,
                )

    def _announce(self) -> list[Subscription]:
        """Tell the captures whose posts come from now on, and return them."""
        news = [
            subscription
            for subscription in self._subscriptions
            if not subscription.announced and self.serves(subscription)
        ]
        for subscription in news:
            subscription.announced = True
            subscription.served = self._clock.seconds()
            subscription.note(
                entries.Connected(
                    endpoint=self._endpoint(),
                    status=200,
                    failed_attempts=self._trouble.attempts,
                    rules=tuple(rule.id for rule in self._rulebook.rules_of(subscription.job_id)),
                )
            )
            if subscription.archive is not None and self._is_heard():
                subscription.archive.capture_log.heard(after=self._begins_in(subscription))
            subscription.subscriber.opened()
        return news

    def _tell_texts(self) -> None:
        """
        Note in the ledgers since when the keywords of captures are in force, where that is news.
        """
        for subscription in self._subscriptions.announced():
            after = 0.0 if subscription.is_sample else self._rulebook.works_in(subscription.job_id)
            if subscription.text_is_news and after is not None and subscription.archive is not None:
                subscription.archive.capture_log.in_force(subscription.text, after)
                subscription.text_is_news = False

    def _begins_in(self, subscription: Subscription) -> float:
        """
        Return the seconds until posts can come for a subscription: a new rule works only after a
        while.
        """
        return 0.0 if subscription.is_sample else self._rulebook.begins_in(subscription.job_id)

    def _is_heard(self) -> bool:
        return self._stream is not None and self._stream.is_heard

    def _review(self) -> Deferred[None]:
        """
        Refuse the sample to captures that want it beside captures with keywords, pause or resume,
        and switch the connection.  Called when the subscriptions, or what they ask for, may have
        changed; fires when the connection is switched.
        """
        has_keywords = any(
            self._rulebook.wants(subscription.job_id) for subscription in self._subscriptions
        )
        for subscription in self._subscriptions:
            refused = subscription.is_sample and has_keywords
            if refused and not subscription.refused:
                log.warn(
                    "Capture {name!r} does not run: {reason}.",
                    name=subscription.title,
                    reason=_NOT_ALONE,
                )
                subscription.note(v2entries.SampleRefused(reason=_NOT_ALONE))
            subscription.refused = refused
        self.read_or_not()
        return self._aim()

    def _asking(self) -> list[Subscription]:
        """Return the captures that the stream is asked for."""
        return [
            one for one in self._subscriptions if self._has_rules(one) or self._wants_sample(one)
        ]

    def _has_rules(self, subscription: Subscription) -> bool:
        return bool(self._rulebook.rules_of(subscription.job_id))

    def _wants_sample(self, subscription: Subscription) -> bool:
        return subscription.is_sample and not subscription.refused

    def _endpoint(self) -> str:
        return "" if self._stream is None else self._upstream.api.endpoint(self._stream.query)

    def _aim(self) -> Deferred[None]:
        """Switch the connection, when earlier switches are done, to the one that is wanted then."""
        turn: Deferred[None] = self._turn.run(lambda: Deferred.fromCoroutine(self._switch()))
        return turn.addErrback(
            lambda failure: log.failure("The stream could not be switched.", failure)
        )

    async def _switch(self) -> None:
        """Close the connection if it is not the wanted one, and open that, if any."""
        if self._stream is not None:
            if self._stream.query == self._wanted():
                return
            await self._stream.hang_up(self._reason())
            self._backfill.closed()
            await maybeDeferred(self._stream.disownServiceParent)
            self._stream = None
        wanted = self._wanted()
        if wanted is not None:
            self._stream = CaptureStream(self._upstream, wanted, self)
            self.read_or_not()
            self._stream.setServiceParent(self)  # type: ignore[no-untyped-call]

    def _reason(self) -> Ending:
        """Return why the connection is closed."""
        if self._is_broke():
            return BUDGET
        stopped = all(subscription.leaving for subscription in self._subscriptions.announced())
        if self._parting:
            return LEFT
        return STOPPED if stopped else SWITCHED

    def _is_broke(self) -> bool:
        return self._keeper is not None and self._keeper.exhausted

    def _wanted(self) -> StreamQuery | None:
        """
        Return what the stream has to be asked for; None where no connection is needed or allowed.
        """
        if not self.running or self._is_broke():
            return None
        if any(map(self._has_rules, self._subscriptions)):
            return StreamQuery()
        if any(map(self._wants_sample, self._subscriptions)):
            return StreamQuery(is_sample=True)
        return None

    def _end(self, ending: Ending) -> None:
        if self._stream is not None:
            self._stream.end(ending)
