"""
The captures that share one connection: their subscriptions, and the lines in their ledgers.

Knows who they are and where a line about them goes; decides nothing.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from twisted.application.service import Service

from tcclient.ledger.entries import Entry
from tcclient.sources.source import Feed, Subscriber, Understood
from tcclient.sources.twitter_v2.subscriptionlife import SubscriptionCore, machine
from tcclient.storage.archive import Archive
from tcclient.storage.folders import Note


class SubscriptionHost(Protocol):
    """The shared stream, as far as a subscription uses it."""

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte; None where the stream is not heard."""

    def has(self, subscription: "Subscription") -> bool:
        """Return whether the capture asks for anything here."""

    def serves(self, subscription: "Subscription") -> bool:
        """Return whether the capture's posts come now."""

    def follow(self, subscription: "Subscription", text: str | None) -> Understood:
        """Bring the capture what the keyword text asks for.  Return how the text was understood."""

    async def leave(self, subscription: "Subscription") -> None:
        """Bring the capture nothing more.  Returns when what has arrived for it is stored."""

    def forget(self, subscription: "Subscription") -> None:
        """Leave nothing at X of a capture that does not ask for anything here."""

    def read_or_not(self) -> None:
        """Pause the stream while a subscription is paused; resume it when none is."""


class Subscription(Service, Feed):
    """
    The feed of one capture.  `life` takes what happens to it; `is_paused` says whether the capture
    cannot take posts now.
    """

    def __init__(self, host: SubscriptionHost, job_id: int, subscriber: Subscriber) -> None:
        self.job_id = job_id
        self.subscriber = subscriber
        self.is_paused = False
        self._host = host
        self._core = SubscriptionCore(subscriber)
        self.life = machine(self._core)

    @property
    def streaming(self) -> bool:
        """Whether the shared stream is open and brings this capture's posts."""
        return self._host.serves(self)

    @property
    def quiet(self) -> bool:
        """Whether nothing is asked for."""
        return not self._host.has(self)

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte; None where the ledger has the stream as not open."""
        return self._host.silent if self.is_served else None

    @property
    def is_served(self) -> bool:
        """Whether the ledger has the stream as open."""
        return self._core.served_at is not None

    @property
    def is_sample(self) -> bool:
        """Whether the sample of all posts is asked for."""
        return self._core.is_sample

    @property
    def text_is_news(self) -> bool:
        """Whether the ledger has yet to say since when the keywords are in force."""
        return self._core.text_is_news

    @property
    def archive(self) -> Archive | None:
        """Where the capture's posts are stored; None while there is no place for them."""
        return self.subscriber.archive

    @property
    def title(self) -> str:
        """The capture's name for the log, empty while it has no place for its posts."""
        return self._core.title

    def ask(self, text: str | None) -> Understood:
        """Have rules for the keywords kept at X, or without any ask for the sample of all posts."""
        return self._host.follow(self, text)

    async def cease(self) -> None:
        """Have the rules deleted.  Returns when what has arrived is stored."""
        await self._host.leave(self)

    def forget(self) -> None:
        """Have the rules deleted that an earlier process has left at X."""
        self._host.forget(self)

    def pauseProducing(self) -> None:
        """Have the shared stream not read: a post that this capture cannot take would be lost."""
        self.is_paused = True
        self._host.read_or_not()

    def resumeProducing(self) -> None:
        """Have the shared stream read again, unless another capture cannot take posts either."""
        self.is_paused = False
        self._host.read_or_not()

    def note(self, entry: Entry) -> None:
        """Write a line into the capture's ledger, if it has one."""
        self._core.note(entry)


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
