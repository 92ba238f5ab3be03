"""
Posts that no capture here asked for, and that are billed all the same.

Knows which rules matched them, and what is said of that; stores nothing.
"""

from collections import Counter

import attrs
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from tcclient.ledger.wording import number
from tcclient.sources.twitter_v2 import envelopes
from tcclient.sources.twitter_v2.entries import ForeignPosts
from tcclient.sources.twitter_v2.rules.book import Rulebook
from tcclient.storage.folders import Note

log = Logger()

FOREIGN_INTERVAL = 60.0
"""Seconds between two lines in the ledger about posts that no capture here asked for."""
WARN_INTERVAL = 3600.0
"""Seconds between two warnings about one rule."""
LISTING = 15.0
"""Seconds in which X should have told the text of a rule that is new; it is named without then."""
GRACE = 120.0
"""Seconds for which a rule of ours may go on matching after its capture has stopped."""
MOST_RULES = 100
"""How many rules are told apart; what others match is counted together."""
PRICE = 0.005
"""US dollars that X takes for a post (2026)."""

_OTHERS = "others"
_LONGEST_ID = 40


@attrs.define
class _Bill:
    """
    The posts of one rule that the log has not heard of, and when it may.  One of ours is only said
    if posts come then.
    """

    due: float
    is_ours: bool
    posts: int = 0
    is_said: bool = False


class Foreign(Service):
    """
    Counts posts that are for no capture here by the rules that they matched, none of which a
    capture keeps.  Calls `note`, for the ledger of what belongs to no capture, each minute and when
    the service stops; the log hears of each rule at its first post, and then hourly.
    """

    def __init__(self, note: Note, rulebook: Rulebook, clock: IReactorTime) -> None:
        self._note = note
        self._rulebook = rulebook
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._bills: dict[str, _Bill] = {}
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
        """Count a post that is for no capture, once for each rule that it matched."""
        for rule_id, tag in dict(post.rules).items():
            name, now = rule_id[:_LONGEST_ID], self._clock.seconds()
            if name not in self._bills and len(self._bills) >= MOST_RULES:
                name = _OTHERS
            if name not in self._bills:
                is_ours = self._rulebook.is_ours(rule_id, tag)
                self._bills[name] = _Bill(now + self._first_in(name, is_ours), is_ours)
            bill = self._bills[name]
            bill.posts += 1
            self._counts[name] += 1
            if now >= bill.due:
                self._say(name, bill)

    def rules_seen(self) -> None:
        """Name those of the rules whose texts X has told now."""
        for rule_id, bill in self._bills.items():
            if not (bill.is_said or bill.is_ours) and self._rulebook.value_of(rule_id) is not None:
                self._say(rule_id, bill)

    def _first_in(self, rule_id: str, is_ours: bool) -> float:
        """Return the seconds until a rule is named, for which X may have to be asked first."""
        if is_ours:
            return GRACE
        if rule_id in ("", _OTHERS) or self._rulebook.value_of(rule_id) is not None:
            return 0.0
        now, known = self._clock.seconds(), self._bills.values()
        if not any(one.due > now and not (one.is_said or one.is_ours) for one in known):
            self._rulebook.look()
        return LISTING

    def _say(self, rule_id: str, bill: _Bill) -> None:
        """Warn of the posts of a rule since the last time."""
        log.warn(
            "X bills posts that no capture here asks for: {posts}, US${cost:.3f}, of {rule}. Its "
            "maker keeps it, or nobody does any more: see tcc-rules list.",
            posts=number(bill.posts, "post"),
            cost=bill.posts * PRICE,
            rule=self._name(rule_id),
        )
        bill.due, bill.posts, bill.is_said = self._clock.seconds() + WARN_INTERVAL, 0, True

    def _name(self, rule_id: str) -> str:
        """Return what to call a rule: by its value, its id, and who has made it."""
        if rule_id == _OTHERS:
            return "other rules"
        value, whose = self._rulebook.value_of(rule_id), self._rulebook.whose(rule_id)
        if value is None or whose is None:
            return f"rule {rule_id!r}, not listed"
        return f"the rule {value!r} ({rule_id}) {whose.value}"

    def _tell(self) -> None:
        """Note what has been counted since the last time, and warn of what is due, if anything."""
        counts, self._counts = self._counts, Counter()
        if counts:
            self._note(ForeignPosts(by_rule=dict(counts)))
        now = self._clock.seconds()
        for rule_id, bill in list(self._bills.items()):
            if bill.posts and now >= bill.due and (bill.is_said or not bill.is_ours):
                self._say(rule_id, bill)
            elif now >= bill.due + GRACE:
                del self._bills[rule_id]
