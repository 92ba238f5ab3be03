"""
The subscriptions of all captures that share one connection: what is known of each, what can happen
to it, and the lines in its ledger.

Knows who they are and where a line about them goes; what follows for one that something happens to
is decided in `subscriptionlife`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime

from tcclient.ledger.bookings import NotStored
from tcclient.ledger.endings import Ending
from tcclient.ledger.entries import Connected, Entry
from tcclient.sources.source import Subscriber
from tcclient.sources.twitter_v2.patience import Patience
from tcclient.storage.archive import Archive
from tcclient.storage.folders import Note

MOST_WAITING = 16 << 20
"""
Bytes of posts that wait for the disk of one capture while the others are read for; what comes after
them is missed.  4,600 posts of 3.5 kB: some 20 s of what X sends at most, hours of most captures.
"""


class Arrival(Struct, frozen=True):
    """
    What is known when the posts of a capture come: `now`, in seconds, and the line about the
    connection.  `begins_in` is the seconds until the first of them, None where nobody has heard the
    stream yet.  `rule_delay` is the seconds until new rules work, None where it is not for a rule
    that they come.
    """

    now: float
    line: Connected
    begins_in: float | None
    rule_delay: float | None


class SubscriptionInputs(Protocol):
    """What can happen to a subscription.  Automat makes the class that implements this."""

    def want(self, text: str | None, is_sample: bool, now: float) -> None:
        """Called when the capture asks for these keywords, or for the sample, at `now`."""

    def refuse(self) -> None:
        """Called when the capture cannot have the sample, as others ask for keywords."""

    def admit(self) -> None:
        """Called when nothing is in the way of what the capture asks for."""

    def serve(self, arrival: Arrival) -> None:
        """Called when the stream is open and brings the posts, whether or not that is news."""

    def heard(self, backfill: int | None, begins_in: float) -> None:
        """
        Called when the first byte of a connection has come, which asked for the posts of so many
        minutes before.  The posts begin in `begins_in` seconds, negative for before.
        """

    def in_force(self, after: float, rules: tuple[str, ...]) -> None:
        """
        Called when all that was asked for comes, beginning `after` seconds from now, negative for
        before, by the rules of these ids.
        """

    def lack(self, now: float) -> None:
        """Called when the stream is open, and X has no rule of the capture at `now`."""

    def lose(self, ending: Ending) -> None:
        """Called when no more posts come, for this reason."""

    def overflow(self, silent: float) -> None:
        """
        Called when posts have come, and more wait for the disk than may.  They may be as old as
        `silent` seconds.
        """

    def refill(self) -> None:
        """Called when the disk has taken all that waited."""

    def withdraw(self) -> None:
        """Called when the capture is about to stop."""


class Subscription:
    """
    One capture among those that share the stream; `life` takes what happens to it, and `patience`
    that it cannot take posts.  `silent` returns the seconds since all that had come was read, None
    where the stream is not heard.

    `text` are the keywords, and `text_is_news` says whether the ledger has yet to say since when
    they are in force.  `is_refused` says whether the sample was refused, and not admitted since.
    `served_at` is when X was last known to send the posts, None where the ledger has the stream as
    not open.  `keeps_sample` is whether the sample, which it asked for before, comes until a rule
    for its keywords works.  `dry_since` is when posts were missed that came, None where none are,
    and `missed` is how many the ledger has not heard of.
    """

    life: SubscriptionInputs

    def __init__(
        self,
        job_id: int,
        subscriber: Subscriber,
        clock: IReactorTime,
        patience: Patience,
        silent: Callable[[], float | None],
    ) -> None:
        self.job_id = job_id
        self.subscriber = subscriber
        self.clock = clock
        self.patience = patience
        self.silent = silent
        self.text: str | None = None
        self.text_is_news = False
        self.is_sample = False
        self.is_refused = False
        self.keeps_sample = False
        self.served_at: float | None = None
        self.dry_since: float | None = None
        self.missed = 0

    @property
    def archive(self) -> Archive | None:
        """Where the capture's posts are stored; None while there is no place for them."""
        return self.subscriber.archive

    @property
    def title(self) -> str:
        """The capture's name for the log, empty while it has no place for its posts."""
        return "" if self.archive is None else self.archive.name

    @property
    def is_reached(self) -> bool:
        """Whether its posts come, even if it cannot take them."""
        return self.is_served or self.dry_since is not None

    @property
    def dry_for(self) -> float | None:
        """Seconds for which posts have been missed that came; None where none are."""
        return None if self.dry_since is None else self.clock.seconds() - self.dry_since

    @property
    def takes_sample(self) -> bool:
        """Whether posts of the sample are for it."""
        return self.is_sample or self.keeps_sample

    @property
    def is_served(self) -> bool:
        """Whether the ledger has the stream as open."""
        return self.served_at is not None

    def note(self, entry: Entry) -> None:
        """Write a line into the capture's ledger, if it has one."""
        if self.archive is not None:
            self.archive.note(entry)

    def take(self, posts: list[bytes]) -> None:
        """Store posts, or count them as missed, where too many wait for the disk."""
        archive = self.archive
        if archive is None:
            return
        is_full = archive.files.waiting.bytes > MOST_WAITING
        if is_full:
            self.life.overflow(self.silent() or 0.0)
        if is_full or self.dry_since is not None:
            self.missed += len(posts)
        else:
            archive.store(posts)

    def say_missed(self) -> None:
        """Note in the ledger how many posts came that were not taken, if any."""
        missed, self.missed = self.missed, 0
        if missed:
            self.note(NotStored(posts=missed, reason="too many waited for the disk"))

    def miss(self, ending: Ending) -> None:
        """Note in the ledger that the posts do not come any more."""
        self.say_missed()
        self.served_at = None
        self.keeps_sample = False
        if self.archive is not None:
            self.archive.capture_log.unheard(ending)


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
        """Return the subscriptions whose posts come over the open stream."""
        return [subscription for subscription in self._by_job.values() if subscription.is_reached]

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
