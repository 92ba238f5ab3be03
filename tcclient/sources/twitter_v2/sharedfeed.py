"""
One capture's share of the stream of v2: what it asks for is asked for beside what the others do.

Knows what has to be done when a capture comes, asks for something else, pauses, and goes; hears
nothing of the connection.
"""

from functools import partial

from msgspec import Struct
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from tcclient.ledger.endings import LEFT, STOPPED
from tcclient.runtime.timers import Timers
from tcclient.runtime.wallclock import Wall
from tcclient.sources.changelimit import ChangeLimit
from tcclient.sources.doubts import doubts
from tcclient.sources.source import Feed, Understood
from tcclient.sources.terms import say_delayed
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.brake import Brake
from tcclient.sources.twitter_v2.news import StreamNews
from tcclient.sources.twitter_v2.repeats import Repeats
from tcclient.sources.twitter_v2.rules.before import RULE_KINDS, rules_before
from tcclient.sources.twitter_v2.rules.book import Rulebook
from tcclient.sources.twitter_v2.rules.clauses import SYNTAX, Clause, clauses
from tcclient.sources.twitter_v2.subscription import Subscription, Subscriptions
from tcclient.sources.twitter_v2.subscriptionlife import NO_TERM, NOT_ALONE
from tcclient.sources.twitter_v2.switch import StreamSwitch
from tcclient.sources.twitter_v2.unrouted import Unrouted


class Sharing(Struct):
    """
    What the feeds of one stream have in common.  `is_parting`: the process ends, and the rules stay
    at X, so that the next one can go on with them.
    """

    subscriptions: Subscriptions
    rulebook: Rulebook
    switch: StreamSwitch
    news: StreamNews
    brake: Brake
    backfill: Backfill
    repeats: Repeats
    unrouted: Unrouted
    rule_length: int
    clock: IReactorTime
    wall: Wall
    is_parting: bool = False

    @property
    def is_broke(self) -> bool:
        """Whether no more posts may be bought."""
        keeper = self.brake.keeper
        return keeper is not None and keeper.exhausted

    def review(self) -> Deferred[None]:
        """
        Refuse the sample to captures that want it beside captures with keywords, pause or resume,
        and switch the connection.  Called when the subscriptions, or what they ask for, may have
        changed; fires when the connection is switched.
        """
        self.news.admit_or_refuse()
        self.brake.review()
        return self.switch.aim()


class SharedFeed(Service, Feed):
    """The feed of one capture: its subscription to the shared stream."""

    def __init__(self, sharing: Sharing, subscription: Subscription) -> None:
        self._sharing = sharing
        self._subscription = subscription
        self._changes = ChangeLimit()
        self._timers = Timers(sharing.clock)

    @property
    def streaming(self) -> bool:
        """Whether the shared stream is open and brings this capture's posts."""
        return self._sharing.news.serves(self._subscription)

    @property
    def quiet(self) -> bool:
        return not self._sharing.subscriptions.has(self._subscription)

    @property
    def refused(self) -> str:
        """Why captures with keywords are in its way, if they are."""
        return NOT_ALONE if self._subscription.is_refused else ""

    @property
    def silent(self) -> float | None:
        """
        Seconds since the last byte, or since the last that was not missed; None where the ledger
        has the stream as not open for another reason.
        """
        one = self._subscription
        return self._sharing.switch.silent if one.is_served else one.dry_for

    def ask(self, text: str | None) -> Understood:
        """
        Have rules for the keyword text kept at X, at once, or later if keywords change too often;
        without keywords, ask for the sample of all posts.  Return how the text was understood.
        """
        found, refused = clauses(text, self._sharing.rule_length)
        now, is_change = self._sharing.clock.seconds(), not self.quiet
        if not is_change:
            self._take_up(asks_for_rules=bool(found), now=now)
            self._sharing.subscriptions.add(self._subscription)
        was_waiting = self._timers.waits("want")
        self._timers.stop("want")
        delay = self._changes.delay(now) if is_change and found else 0.0
        if delay <= 0:
            self._want(text, found, is_sample=not found and not refused, is_change=is_change)
        else:
            want = partial(self._want, text, found, is_sample=False, is_change=True)
            self._timers.start("want", delay, want)
            if not was_waiting:
                say_delayed(delay)
        asked = {"clauses": [clause.text for clause in found]} if found else {}
        unsure = doubts(text, SYNTAX)
        return Understood(None if refused and not found else asked, refused, doubtful=unsure)

    def _want(
        self, text: str | None, found: tuple[Clause, ...], *, is_sample: bool, is_change: bool
    ) -> None:
        """Have rules kept for these clauses of the text, or ask for the sample, or for nothing."""
        one, sharing = self._subscription, self._sharing
        now = sharing.clock.seconds()
        if found and is_change:
            self._changes.made(now)
        one.life.want(text, is_sample, now)
        if found:
            sharing.rulebook.want(one.job_id, found)
        else:
            if not is_sample:
                one.life.lose(NO_TERM)
            if not (is_sample and self.streaming) or sharing.switch.is_sample:
                sharing.rulebook.drop(one.job_id)  # otherwise once the sample is open
            # Not now: the capture notes first what it asks for.
            sharing.clock.callLater(0, sharing.news.joined, one)
        sharing.review()

    def _take_up(self, *, asks_for_rules: bool, now: float) -> None:
        """Take up what an earlier process has left: its rules, and the posts that were missed."""
        one, sharing = self._subscription, self._sharing
        if one.archive is None:
            return
        before = rules_before(one.archive.newest_lines(RULE_KINDS), one.job_id, sharing.wall())
        sharing.rulebook.remember(one.job_id, before)
        if asks_for_rules and not sharing.is_broke:
            sharing.backfill.resume(one.archive.missed, now)
        sharing.repeats.join(one.archive)

    async def cease(self) -> None:
        """
        Have the rules deleted, unless the process ends.  Returns when what has arrived is stored
        and the connection is what the others need.
        """
        if self.quiet:
            return
        self._timers.stop("want")
        one, sharing = self._subscription, self._sharing
        one.life.withdraw()
        if not sharing.is_parting:
            sharing.rulebook.drop(one.job_id)
        await sharing.switch.drain()
        sharing.unrouted.leave(one.job_id)
        one.life.lose(sharing.switch.dated(LEFT if sharing.is_parting else STOPPED))
        sharing.repeats.leave(one.job_id)
        sharing.subscriptions.remove(one)
        await sharing.review()

    def forget(self) -> None:
        """Have the rules deleted that an earlier process has left at X, for a capture not here."""
        if self.quiet:
            self._sharing.rulebook.forget(self._subscription.job_id)

    def spare(self) -> None:
        """Leave the rules at X alone that another process keeps there for the capture."""
        self._sharing.rulebook.spare(self._subscription.job_id)

    def pauseProducing(self) -> None:
        """Have the shared stream not read for a while: this capture cannot take posts."""
        self._subscription.patience.pause()
        self._sharing.brake.review()

    def resumeProducing(self) -> None:
        """Have the shared stream read again, unless another capture is awaited."""
        self._subscription.patience.resume()
        self._sharing.brake.review()
        self._sharing.news.refilled(self._subscription)
