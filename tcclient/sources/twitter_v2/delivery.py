"""
What becomes of the messages of the shared stream.

Knows whom a post is for, and counts those that are for nobody; opens and closes nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable

import attrs
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from tcclient.ledger import entries
from tcclient.ledger.endings import Ending
from tcclient.ledger.entries import Entry
from tcclient.sources.complaints import Complaints
from tcclient.sources.twitter_v2 import envelopes
from tcclient.sources.twitter_v2.api import disconnect_meaning
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.entries import ForeignPosts
from tcclient.sources.twitter_v2.subscription import Subscriptions
from tcclient.storage.folders import Note
from tcclient.stream.framing import Overlong

ON_THE_WAY = 2.0
"""Seconds that a post is on its way at most, from X's matching it to its being read here."""
FOREIGN_INTERVAL = 60.0
"""Seconds between two lines in the ledger about posts that no capture here asked for."""


class Foreign(Service):
    """
    Counts posts that are for no capture here, and billed all the same, by the rules that they
    matched.  Calls `note`, for the ledger of what belongs to no capture, each minute and when the
    service stops.
    """

    def __init__(self, note: Note, clock: IReactorTime) -> None:
        self._note = note
        self._counts: Counter[str] = Counter()
        self._telling = LoopingCall(self._tell)
        self._telling.clock = clock

    def startService(self) -> None:
        """Begin to note the counts each minute."""
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._telling.start(FOREIGN_INTERVAL, now=False)

    def stopService(self) -> None:
        """Note the last counts, and stop."""
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        self._telling.stop()
        self._tell()

    def count(self, post: envelopes.Post) -> None:
        """Count a post that is for no capture, under an empty id if it names no rule."""
        self._counts.update({rule_id for rule_id, _ in post.rules} or [""])

    def _tell(self) -> None:
        """Note what has been counted since the last time, if anything."""
        counts, self._counts = self._counts, Counter()
        if counts:
            self._note(ForeignPosts(by_rule=dict(counts)))


@attrs.frozen
class Delivery:
    """
    Hands each post to its captures.  `route` returns the jobs that a post is for, from the rules
    that it matched and how many seconds ago that may have been.  `end` is called when a message
    means that the stream ends.
    """

    _subscriptions: Subscriptions
    _route: Callable[[envelopes.Rules, float], frozenset[int]]
    _foreign: Foreign
    _end: Callable[[Ending], None]
    _complaints: Complaints = attrs.field(factory=Complaints)

    def opened(self) -> None:
        """Begin anew with a connection: complaints about the last one may be repeated."""
        self._complaints.opened()

    def take(
        self,
        messages: Iterable[bytes | Overlong],
        backfill: Backfill,
        *,
        is_sample: bool,
    ) -> int:
        """
        Store each post in every capture that it matched and that has not got it yet; heed all other
        messages.  Return how many posts were new.
        """
        found: dict[int, list[bytes]] = {}
        takers: dict[envelopes.Rules, list[int]] = {}  # nobody subscribes meanwhile
        ago = ON_THE_WAY + 60.0 * (backfill.asked or 0)
        posts = 0
        for message in messages:
            if isinstance(message, Overlong):
                self._refuse("too long", message.size, message.head)
                continue
            envelope = envelopes.read(message)
            if not isinstance(envelope, envelopes.Post):
                self._heed(envelope, message)
                continue
            rules = envelope.rules
            wanting = takers.get(rules)
            if wanting is None:
                wanting = takers[rules] = self._takers(rules, ago, is_sample)
            lacking = backfill.who_lacks(envelope.id, wanting)
            if lacking is not None:
                posts += 1
                for job_id in lacking:
                    found.setdefault(job_id, []).append(message)
                if not lacking and not is_sample:
                    self._foreign.count(envelope)
        for subscription in self._subscriptions.of(found):
            if subscription.archive is not None:
                subscription.archive.store(found[subscription.job_id])
        return posts

    def _takers(self, rules: envelopes.Rules, ago: float, is_sample: bool) -> list[int]:
        """Return the jobs here that a post which matched these rules is for."""
        if is_sample:
            return [one.job_id for one in self._subscriptions if one.is_sample]
        return [one.job_id for one in self._subscriptions.of(self._route(rules, ago))]

    def _heed(self, said: object, line: bytes) -> None:
        """Note what is no post in the ledgers, and act on what it announces."""
        if isinstance(said, envelopes.NotJSON):
            self._refuse("not JSON", len(line), line)
        elif isinstance(said, envelopes.Farewell):
            self._note(entries.Disconnect(message=said.message))
            meaning, trouble = disconnect_meaning(said.disconnect_type)
            self._end(Ending("disconnect", f"X disconnected: {meaning}", trouble))
        elif isinstance(said, envelopes.Other):
            self._note(entries.Unknown(message=said.message))

    def _note(self, entry: Entry) -> None:
        for subscription in self._subscriptions.served():
            subscription.note(entry)

    def _refuse(self, reason: str, size: int, line: bytes) -> None:
        for subscription in self._subscriptions.served():
            if subscription.archive is not None:
                self._complaints.refuse(subscription.archive, reason, size, line)
