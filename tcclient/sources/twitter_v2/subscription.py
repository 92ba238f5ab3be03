"""
The captures that hang on one connection, and their accounts.

Knows who they are and where a line about them goes; decides nothing.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from twisted.application.service import Service

from tcclient.ledger.entries import Entry
from tcclient.sources.source import Feed, Subscriber, Understood
from tcclient.storage.archive import Archive
from tcclient.storage.folders import Note


class SubscriptionHost(Protocol):
    """What a subscription hangs on."""

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte; None where the stream is not heard."""

    def has(self, subscription: "Subscription") -> bool:
        """Whether the capture asks for anything here."""

    def serves(self, subscription: "Subscription") -> bool:
        """Whether its posts come now."""

    def follow(self, subscription: "Subscription", text: str | None) -> Understood:
        """Bring it what the keyword text asks for."""

    async def leave(self, subscription: "Subscription") -> None:
        """Bring it nothing more.  Returns when what has arrived for it is stored."""

    def forget(self, subscription: "Subscription") -> None:
        """Leave nothing at X of a capture that does not ask for anything here."""

    def read_or_not(self) -> None:
        """Read nothing while a subscription is paused, and read on when none is any more."""


class Subscription(Service, Feed):
    """
    What one capture has of the shared stream.

    `announced` says that its account has the stream as open, `served` when X was last known to have
    a rule of it, `text_is_news` that the account does not say yet since when `text`, the keywords,
    is in force, `refused` that it has been told that the sample is not to be had, `leaving` that it
    is about to stop, and `is_paused` that it cannot take posts now.
    """

    def __init__(self, host: SubscriptionHost, job_id: int, subscriber: Subscriber) -> None:
        self.job_id = job_id
        self.subscriber = subscriber
        self.text: str | None = None
        self.text_is_news = False
        self.is_sample = False
        self.announced = False
        self.served = 0.0
        self.refused = False
        self.leaving = False
        self.is_paused = False
        self._host = host

    @property
    def streaming(self) -> bool:
        """Whether the shared stream is open, and X has a rule of this capture."""
        return self._host.serves(self)

    @property
    def quiet(self) -> bool:
        """Whether nothing is asked for."""
        return not self._host.has(self)

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte; None where the account has the stream as not open."""
        return self._host.silent if self.announced else None

    @property
    def archive(self) -> Archive | None:
        """Where its posts go."""
        return self.subscriber.archive

    @property
    def title(self) -> str:
        """Of the capture, for the log."""
        return "" if self.archive is None else self.archive.name

    def ask(self, text: str | None) -> Understood:
        """Have rules for the keyword text kept at X; without keywords, the sample stream."""
        return self._host.follow(self, text)

    async def cease(self) -> None:
        """Have the rules deleted.  Returns when what has arrived is stored."""
        await self._host.leave(self)

    def forget(self) -> None:
        """Have the rules deleted that an earlier process has left at X."""
        self._host.forget(self)

    def pauseProducing(self) -> None:
        """Have nothing read of the shared stream: a post that is not taken would be lost."""
        self.is_paused = True
        self._host.read_or_not()

    def resumeProducing(self) -> None:
        """Have the shared stream read on, unless another capture cannot take posts either."""
        self.is_paused = False
        self._host.read_or_not()

    def note(self, entry: Entry) -> None:
        """A line into its account."""
        if self.archive is not None:
            self.archive.note(entry)


class Subscriptions:
    """`note` writes a line into the ledger that belongs to no capture."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._by_job: dict[int, Subscription] = {}

    def __iter__(self) -> Iterator[Subscription]:
        return iter(list(self._by_job.values()))

    def has(self, subscription: Subscription) -> bool:
        return self._by_job.get(subscription.job_id) is subscription

    def add(self, subscription: Subscription) -> None:
        self._by_job[subscription.job_id] = subscription

    def remove(self, subscription: Subscription) -> None:
        """One that is not there is no error."""
        if self.has(subscription):
            del self._by_job[subscription.job_id]

    def of(self, job_ids: Iterable[int]) -> list[Subscription]:
        """Those of the jobs that are there."""
        return [self._by_job[job_id] for job_id in job_ids if job_id in self._by_job]

    def announced(self) -> list[Subscription]:
        """Those whose accounts have the connection as open."""
        return [subscription for subscription in self._by_job.values() if subscription.announced]

    def note(self, job_id: int, entry: Entry) -> None:
        """A line about a job: into its account, or where there is none any more, into the other."""
        for subscription in self.of([job_id]):
            if subscription.archive is not None:
                subscription.note(entry)
                return
        self._note(entry, job_id)

    def note_all(self, entry: Entry) -> None:
        """A line into each account, and into that which belongs to no capture."""
        self._note(entry)
        for subscription in self:
            subscription.note(entry)


def names(subscriptions: Iterable[Subscription]) -> list[str]:
    """For the log."""
    return [subscription.title for subscription in subscriptions]
