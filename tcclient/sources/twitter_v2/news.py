"""
What the captures claim of the shared stream, and what they, their ledgers and the log are told.

Knows whose posts a stream brings, when they begin, and what has to be said of it; opens and closes
nothing.
"""

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime

from tcclient.ledger import entries
from tcclient.ledger.endings import Ending
from tcclient.sources.twitter_v2.api import StreamQuery
from tcclient.sources.twitter_v2.rules.book import Rulebook
from tcclient.sources.twitter_v2.subscription import Arrival, Subscription, Subscriptions, names
from tcclient.sources.twitter_v2.switch import StreamSwitch
from tcclient.stream.troublelog import TroubleLog


class Claims(Struct, frozen=True):
    """What all subscriptions together need of the one stream, and what it brings each of them."""

    _subscriptions: Subscriptions
    _rulebook: Rulebook

    @property
    def have_keywords(self) -> bool:
        """Whether a capture asks for keywords, so that nobody can have the sample."""
        return any(
            not one.is_sample and self._rulebook.wants(one.job_id) for one in self._subscriptions
        )

    @property
    def stream(self) -> StreamQuery | None:
        """
        The stream that the captures need, None where they need none.  A sample that is read stays
        until a rule works for keywords that are asked for instead.
        """
        waits, gets_sample = self.works_in, any(map(_gets_sample, self._subscriptions))
        if waits is not None and not (gets_sample and waits > 0):
            return StreamQuery()
        if gets_sample and self.have_keywords:
            return StreamQuery(is_sample=True)
        if any(one.is_sample for one in self._subscriptions) and not self.have_keywords:
            return StreamQuery(is_sample=True)
        return None

    @property
    def works_in(self) -> float | None:
        """The seconds until the first rule of all works; None where X has none for a capture."""
        asking = (one for one in self._subscriptions if not one.is_sample)
        return min(map(self.begins_in, filter(self._has_rules, asking)), default=None)

    def drop_rules(self, subscription: Subscription) -> None:
        """Have the rules deleted that a capture kept until it got the sample, or was refused it."""
        self._rulebook.drop(subscription.job_id)

    def are_met(self, subscription: Subscription, query: StreamQuery) -> bool:
        """Return whether an open stream for `query` brings the capture's posts."""
        if not self._subscriptions.has(subscription):
            return False
        return subscription.takes_sample if query.is_sample else self._has_rules(subscription)

    def asking(self) -> list[Subscription]:
        """Return the captures that a stream is asked for."""
        has_sample = not self.have_keywords
        return [
            one
            for one in self._subscriptions
            if self._has_rules(one) or (one.is_sample and has_sample) or one.keeps_sample
        ]

    def rule_ids(self, subscription: Subscription) -> tuple[str, ...]:
        """Return the ids of the rules that X has for the capture."""
        return tuple(rule.id for rule in self._rulebook.rules_of(subscription.job_id))

    def wanted_ids(self, subscription: Subscription) -> tuple[str, ...]:
        """Return the ids of those of them that bring what it asks for now."""
        return tuple(rule.id for rule in self._rulebook.wanted_of(subscription.job_id))

    def begins_in(self, subscription: Subscription, held_back: float = 0.0) -> float:
        """
        Return the seconds until the first posts can come, as a new rule takes a while to work; or,
        negative, since when they have, of a stream that was open for so long before it was read.
        """
        if subscription.is_sample:
            return -held_back
        return self._rulebook.begins_in(subscription.job_id, held_back)

    def complete_in(self, subscription: Subscription) -> float | None:
        """
        Return the seconds until all that is asked for comes, negative for since when it has come
        where an earlier process has asked for it; None while X lacks rules for it.
        """
        return 0.0 if subscription.is_sample else self._rulebook.works_in(subscription.job_id)

    def _has_rules(self, subscription: Subscription) -> bool:
        return bool(self._rulebook.rules_of(subscription.job_id))


def _gets_sample(subscription: Subscription) -> bool:
    return subscription.is_served and subscription.takes_sample


class StreamNews(Struct, frozen=True):
    """Tells each subscription what the stream of `switch` does for it, and `trouble` the rest."""

    _subscriptions: Subscriptions
    _claims: Claims
    _switch: StreamSwitch
    _trouble: TroubleLog
    _clock: IReactorTime

    def serves(self, subscription: Subscription) -> bool:
        """Return whether the stream is open and brings the subscription's posts."""
        query = self._switch.query if self._switch.connected else None
        return query is not None and self._claims.are_met(subscription, query)

    def admit_or_refuse(self) -> None:
        """Tell the captures that want the sample whether others with keywords are in their way."""
        have_keywords = self._claims.have_keywords
        for subscription in self._subscriptions:
            if subscription.is_sample and have_keywords:
                self._claims.drop_rules(subscription)
                subscription.life.refuse()
            elif subscription.is_refused:
                subscription.life.admit()

    def opened(self) -> None:
        """Tell the captures whose posts come that the stream is open."""
        self._say_open(self._claims.asking())
        self._serve(None)
        if self._switch.is_sample:
            for subscription in self._subscriptions:
                if subscription.is_sample:
                    self._claims.drop_rules(subscription)

    def joined(self, subscription: Subscription) -> None:
        """Tell a capture without keywords that its posts come, if the sample is open already."""
        if not (subscription.is_sample and self.serves(subscription)):
            return
        is_news = not subscription.is_served
        subscription.life.serve(self._arrival(subscription, self._clock.seconds(), None))
        if is_news and subscription.is_served:
            self._say_open([subscription])
        if self._switch.is_heard:
            self._tell_texts()

    def heard(self, backfill: int | None) -> None:
        """Tell the captures that the stream is heard, with posts of `backfill` minutes before."""
        for subscription in self._subscriptions:
            begins_in = self._claims.begins_in(subscription, self._switch.held_back)
            subscription.life.heard(backfill, begins_in)
        self._tell_texts()

    def rules_seen(self, rule_delay: float) -> None:
        """
        Tell the captures whose posts come or stop coming because the rules have changed; new ones
        work in `rule_delay` seconds.
        """
        self._serve(rule_delay)
        self._tell_texts()

    def refilled(self, subscription: Subscription) -> None:
        """Tell a capture whose disk has taken all that waited that its posts come, if they do."""
        was_dry = subscription.dry_since is not None
        subscription.life.refill()
        if was_dry:
            self._serve(None)
            self._tell_texts()

    def held_up(self, ending: Ending) -> None:
        """Note that another stream, which is asked for, is not opened, while this one goes on."""
        asking = [one for one in self._claims.asking() if one.text_is_news]
        self._trouble.held_up(names(asking), ending)
        for subscription in asking:
            if subscription.archive is not None:
                subscription.archive.capture_log.not_reached(ending)

    def ended(self, ending: Ending) -> None:
        """Tell the captures that the connection has ended, or was not made."""
        asking = self._claims.asking()
        self._trouble.ended(names(asking), ending)
        if ending.was_connected:
            for subscription in self._subscriptions:
                subscription.life.lose(ending)
            return
        for subscription in asking:
            if subscription.archive is not None:
                subscription.archive.capture_log.not_reached(ending)

    def _say_open(self, subscriptions: list[Subscription]) -> None:
        asked = f"{self._switch.endpoint}, {self._switch.query}"
        self._trouble.opened(names(subscriptions), asked)

    def _serve(self, rule_delay: float | None) -> None:
        """
        Tell each capture whether the stream, if it is open, brings its posts; `rule_delay` is None
        unless the rules have changed.
        """
        now = self._clock.seconds()
        for subscription in self._subscriptions:
            if self.serves(subscription):
                subscription.life.serve(self._arrival(subscription, now, rule_delay))
            elif self._switch.connected:
                subscription.life.lack(now)

    def _arrival(self, subscription: Subscription, now: float, rule_delay: float | None) -> Arrival:
        line = entries.Connected(
            endpoint=self._switch.endpoint,
            status=200,
            failed_attempts=self._trouble.attempts,
            rules=self._claims.rule_ids(subscription),
        )
        begins_in = self._claims.begins_in(subscription) if self._switch.is_heard else None
        return Arrival(now, line, begins_in, rule_delay)

    def _tell_texts(self) -> None:
        """
        Note since when the keywords of captures are in force, where that is news: those for which
        another stream is to be opened not before it is.
        """
        for subscription in self._subscriptions:
            is_ahead = subscription.is_sample != self._switch.is_sample
            if subscription.text_is_news and not is_ahead:
                after = self._claims.complete_in(subscription)
                if after is not None:
                    subscription.life.in_force(after, self._claims.wanted_ids(subscription))
