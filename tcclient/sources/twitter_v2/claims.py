"""
What the subscriptions claim of the shared stream, by what they ask for and what X has of it.

Knows whose posts a stream brings, and when they begin; opens and changes nothing.
"""

import attrs

from tcclient.sources.twitter_v2.api import StreamQuery
from tcclient.sources.twitter_v2.rules.book import Rulebook
from tcclient.sources.twitter_v2.subscription import Subscription, Subscriptions


@attrs.frozen
class Claims:
    """What all subscriptions together need of the one stream, and what it brings each of them."""

    _subscriptions: Subscriptions
    _rulebook: Rulebook

    @property
    def have_keywords(self) -> bool:
        """Whether a capture asks for keywords, so that nobody can have the sample."""
        return any(self._rulebook.wants(one.job_id) for one in self._subscriptions)

    @property
    def stream(self) -> StreamQuery | None:
        """The stream that the captures need, None where they need none."""
        if any(map(self._has_rules, self._subscriptions)):
            return StreamQuery()
        if any(one.is_sample for one in self._subscriptions) and not self.have_keywords:
            return StreamQuery(is_sample=True)
        return None

    def are_met(self, subscription: Subscription, query: StreamQuery) -> bool:
        """
        Return whether an open stream for `query` brings the capture's posts: X has a rule of it, or
        it is the sample.
        """
        if not self._subscriptions.has(subscription):
            return False
        return subscription.is_sample if query.is_sample else self._has_rules(subscription)

    def asking(self) -> list[Subscription]:
        """Return the captures that a stream is asked for."""
        has_sample = not self.have_keywords
        return [
            one
            for one in self._subscriptions
            if self._has_rules(one) or (one.is_sample and has_sample)
        ]

    def rule_ids(self, subscription: Subscription) -> tuple[str, ...]:
        """Return the ids of the rules that X has for the capture."""
        return tuple(rule.id for rule in self._rulebook.rules_of(subscription.job_id))

    def begins_in(self, subscription: Subscription) -> float:
        """
        Return the seconds until the first posts can come: a new rule works only after a while.
        """
        return 0.0 if subscription.is_sample else self._rulebook.begins_in(subscription.job_id)

    def complete_in(self, subscription: Subscription) -> float | None:
        """
        Return the seconds until all that is asked for comes; None while X lacks some of the rules.
        """
        return 0.0 if subscription.is_sample else self._rulebook.works_in(subscription.job_id)

    def _has_rules(self, subscription: Subscription) -> bool:
        return bool(self._rulebook.rules_of(subscription.job_id))
