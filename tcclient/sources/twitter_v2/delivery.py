"""
What becomes of the messages of the shared stream.

Knows whom a post is for, and who takes those that are for nobody; opens and closes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from msgspec import Struct, field

from tcclient.ledger import entries
from tcclient.ledger.endings import Ending
from tcclient.ledger.entries import Entry
from tcclient.sources.complaints import Complaints
from tcclient.sources.twitter_v2 import envelopes
from tcclient.sources.twitter_v2.api import disconnect_meaning
from tcclient.sources.twitter_v2.foreign import Foreign
from tcclient.sources.twitter_v2.repeats import Repeats
from tcclient.sources.twitter_v2.rules.book import Rulebook
from tcclient.sources.twitter_v2.subscription import Subscriptions
from tcclient.sources.twitter_v2.unrouted import Unrouted
from tcclient.storage.folders import NOBODY
from tcclient.stream.framing import Overlong, apart

_UNKNOWN: Sequence[int] = (NOBODY,)
"""Stands for the jobs of a post of which nobody can tell whose it is."""
ON_THE_WAY = 2.0
"""Seconds that a post is on its way at most, from X's matching it to its being read here."""


class Delivery(Struct, frozen=True):
    """Hands each post to its captures.  Calls `end` when a message means that the stream ends."""

    _subscriptions: Subscriptions
    _rulebook: Rulebook
    _foreign: Foreign
    _unrouted: Unrouted
    _end: Callable[[Ending], None]
    _complaints: Complaints = field(default_factory=Complaints)

    def opened(self) -> None:
        """Begin anew with a connection: complaints about the last one may be repeated."""
        self._complaints.opened()

    def take(
        self,
        messages: Sequence[bytes | Overlong],
        repeats: Repeats,
        *,
        is_sample: bool,
        ago: float = ON_THE_WAY,
    ) -> int:
        """
        Store each post in every capture that it matched, up to `ago` seconds ago, and that has not
        got it yet; heed all other messages.  Return how many posts were new.
        """
        found: defaultdict[int, list[bytes]] = defaultdict(list)
        unrouted: list[bytes] = []
        # By how posts end; nobody subscribes meanwhile.
        takers: dict[bytes | None, Sequence[int]] = {}
        adders: dict[bytes | None, list[Callable[[bytes], None]]] = {}
        all_are_new = not repeats.are_awaited
        posts = 0
        for message, end in zip(messages, envelopes.ends_of(messages), strict=True):
            adding = adders.get(end)
            if adding is not None:
                posts += 1
                for add in adding:
                    add(message)  # type: ignore[arg-type]  # what has an end is not Overlong
                continue
            if isinstance(message, Overlong):
                self._refuse("too long", message.size, message.head)
                continue
            envelope = envelopes.read(message)
            if not isinstance(envelope, envelopes.Post):
                together = apart(message) if isinstance(envelope, envelopes.NotJSON) else []
                if together:
                    posts += self.take(together, repeats, is_sample=is_sample, ago=ago)
                else:
                    self._heed(envelope, message)
                continue
            wanting = takers.get(end)
            if wanting is None:
                wanting = self._takers(envelope.rules, ago, is_sample)
                if envelope.is_known_by_its_end and wanting is not _UNKNOWN:
                    takers[end] = wanting
                    if wanting and all_are_new:
                        adders[end] = [found[job_id].append for job_id in wanting]
            lacking = repeats.who_lacks(envelope, wanting)
            if lacking is not None:
                posts += 1
                for job_id in lacking:
                    found[job_id].append(message)
                if wanting is _UNKNOWN:
                    unrouted.append(message)
                elif not lacking and not is_sample:
                    self._foreign.count(envelope)
        if unrouted:
            self._unrouted.take(unrouted)
        for subscription in self._subscriptions.of(found):
            subscription.take(found[subscription.job_id])
        return posts

    def _takers(self, rules: envelopes.Rules, ago: float, is_sample: bool) -> Sequence[int]:
        """
        Return the jobs here that a post which matched these rules is for.  One that names no rule
        is for the only capture that is streaming; _UNKNOWN where there are several, or where it
        names rules of which nobody can tell whose they are, as X has not told yet which there are.
        """
        if is_sample:
            return [one.job_id for one in self._subscriptions if one.takes_sample]
        job_ids = self._rulebook.route(rules, ago)
        if job_ids or any(self._rulebook.knows(id, tag) for id, tag in rules):
            return [one.job_id for one in self._subscriptions.of(job_ids)]
        served = [one.job_id for one in self._subscriptions.served()]
        names_none = not any(id for id, _ in rules)
        return served if names_none and len(served) == 1 else _UNKNOWN

    def _heed(self, said: object, line: bytes) -> None:
        """Note what is no post in the ledgers, and act on what it announces."""
        if isinstance(said, envelopes.NotJSON):
            self._refuse("not JSON", len(line), line)
        elif isinstance(said, envelopes.Farewell):
            self._note(entries.Disconnect(message=said.message))
            meaning, trouble = disconnect_meaning(said.disconnect_type, said.detail)
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
