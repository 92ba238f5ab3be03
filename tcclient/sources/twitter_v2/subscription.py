"""
The subscriptions of all captures that share one connection, and the lines in their ledgers.

Knows who they are and where a line about them goes; decides nothing.
"""

from collections.abc import Iterable, Iterator

from tcclient.ledger.entries import Entry
from tcclient.sources.twitter_v2.subscriptionlife import Subscription
from tcclient.storage.folders import Note


class Subscriptions:
    """The subscriptions, one a job; `note` writes into the ledger that belongs to no capture."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._by_job: dict[int, Subscription] = {}

    def __iter__(self) -> Iterator[Subscription]:
        return iter(list(self._by_job.values()))

    def has(self, subscription: Subscription) -> bool:
        """Return whether this very subscription is here."""
        return self._by_job.get(subscription.job_id) is subscription

    def add(self, subscription: Subscription) -> None:
        """Add a subscription, in place of an older one of the same job."""
        self._by_job[subscription.job_id] = subscription

    def remove(self, subscription: Subscription) -> None:
        """Remove the subscription if it is here."""
        if self.has(subscription):
            del self._by_job[subscription.job_id]

    def of(self, job_ids: Iterable[int]) -> list[Subscription]:
        """Return the subscriptions of those of the jobs that have one here."""
        return [self._by_job[job_id] for job_id in job_ids if job_id in self._by_job]

    def served(self) -> list[Subscription]:
        """Return the subscriptions whose ledgers have the stream as open."""
        return [subscription for subscription in self._by_job.values() if subscription.is_served]

    def note(self, job_id: int, entry: Entry) -> None:
        """Write a line into a job's ledger, or into that of no capture if it has none any more."""
        for subscription in self.of([job_id]):
            if subscription.archive is not None:
                subscription.note(entry)
                return
        self._note(entry, job_id)

    def note_all(self, entry: Entry) -> None:
        """Write a line into each capture's ledger, and into the one that belongs to none."""
        self._note(entry)
        for subscription in self:
            subscription.note(entry)


def names(subscriptions: Iterable[Subscription]) -> list[str]:
    """Return the names of the captures, for the log."""
    return [subscription.title for subscription in subscriptions]
