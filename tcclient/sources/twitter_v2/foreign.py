"""
Posts that no capture here asked for, and that are billed all the same.

Knows which rules matched them, and what is said of that; stores nothing.
"""

from collections import Counter

from msgspec import Struct
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from tcclient.ledger.wording import number
from tcclient.sources.twitter_v2 import envelopes
from tcclient.sources.twitter_v2.entries import ForeignPosts
from tcclient.sources.twitter_v2.rules.book import Rulebook
from tcclient.sources.twitter_v2.rules.ownership import Whose
from tcclient.sources.twitter_v2.rules.ruleset import shown
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
LOOK_INTERVAL = 60.0
"""Seconds between two looks at X's list because a rule that should be gone goes on matching."""
MOST_RULES = 100
"""How many rules are told apart; what others match is counted together."""

_Key = tuple[str, str]
"""The id of a rule and an empty text; where it has no id, an empty text and its tag."""

_OTHERS: _Key = ("others", "")
_LONGEST = 60


class _Bill(Struct):
    """
    The posts of one rule that the log has not heard of, and when it may; the first came at `began`.
    One of ours is only said if posts come then.
    """

    began: float
    due: float
    is_ours: bool
    posts: int = 0
    is_said: bool = False


class Foreign(Service):
    """
    Counts posts that are for no capture here by the rules that they matched, none of which a
    capture keeps.  Calls `note`, for the ledger of what belongs to no capture, each minute and when
    the service stops; the log hears of each rule at its first post, and then hourly.  A rule of
    ours that brings such posts for longer than `rule_delay` seconds has the rulebook look: X was to
    delete it.  A post costs `price` US dollars, as far as that is known.
    """

    def __init__(
        self,
        note: Note,
        rulebook: Rulebook,
        rule_delay: float,
        price: float | None,
        clock: IReactorTime,
    ) -> None:
        self._price = price
        self._rule_delay = rule_delay
        self._look_due = 0.0
        self._note = note
        self._rulebook = rulebook
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._bills: dict[_Key, _Bill] = {}
        self._telling = LoopingCall(self._tell)
        self._telling.clock = clock

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._telling.start(FOREIGN_INTERVAL, now=False)

    def stopService(self) -> None:
        """Note the last counts, and warn of what is not said yet; stop."""
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        self._telling.stop()
        for key, bill in self._bills.items():
            if not (bill.is_said or bill.is_ours):
                self._say(key, bill)
        self._tell()

    def count(self, post: envelopes.Post) -> None:
        """Count a post that is for no capture, once for each rule that it matched."""
        now = self._clock.seconds()
        for rule_id, tag in dict.fromkeys(post.rules):
            key = (rule_id[:_LONGEST], "" if rule_id else (tag or "")[:_LONGEST])
            if key not in self._bills and len(self._bills) >= MOST_RULES:
                key = _OTHERS
            if key not in self._bills:
                is_ours = self._rulebook.is_ours(rule_id, tag)
                self._bills[key] = _Bill(now, now + self._first_in(key, is_ours), is_ours)
            bill = self._bills[key]
            bill.posts += 1
            self._counts[key[0]] += 1
            if bill.is_ours and now >= max(bill.began + self._rule_delay, self._look_due):
                self._look_due = now + LOOK_INTERVAL
                self._rulebook.look()
            if now >= bill.due:
                self._say(key, bill)

    def rules_seen(self) -> None:
        """Name those of the rules whose texts X has told now."""
        for key, bill in self._bills.items():
            if not (bill.is_said or bill.is_ours) and self._rulebook.rule(key[0]) is not None:
                self._say(key, bill)

    def _first_in(self, key: _Key, is_ours: bool) -> float:
        """Return the seconds until a rule is named, for which X may have to be asked first."""
        if is_ours:
            return GRACE
        if key == _OTHERS or not key[0] or self._rulebook.rule(key[0]) is not None:
            return 0.0
        now, known = self._clock.seconds(), self._bills.values()
        if not any(one.due > now and not (one.is_said or one.is_ours) for one in known):
            self._rulebook.look()
        return LISTING

    def _say(self, key: _Key, bill: _Bill) -> None:
        """Warn of the posts of a rule since the last time."""
        advice = "Its maker keeps it, or nobody does any more: see tcc-rules list."
        if bill.is_ours:
            advice = "X was to delete it, and is asked for that again: see tcc-rules list."
        cost = "" if self._price is None else f", US${bill.posts * self._price:.3f},"
        log.warn(
            "X bills posts that no capture here asks for: {posts}{cost} of {rule}. {advice}",
            posts=number(bill.posts, "post"),
            cost=cost,
            rule=self._name(key, is_ours=bill.is_ours),
            advice=advice,
        )
        bill.due, bill.posts, bill.is_said = self._clock.seconds() + WARN_INTERVAL, 0, True

    def _name(self, key: _Key, *, is_ours: bool) -> str:
        """Return what to call a rule: by its value, its id, its tag, and who has made it."""
        rule_id, tag = key
        if key == _OTHERS:
            return "other rules"
        rule, whose = self._rulebook.rule(rule_id), self._rulebook.whose(rule_id)
        maker = Whose.OURS if is_ours else whose
        if rule is not None and maker is not None:
            return f"the rule {rule.title} {maker.value}"
        named = f"rule {shown(rule_id)}" if rule_id else "a rule without an id"
        if tag:
            named = f"the rule tagged {shown(tag)}"
        return f"{named} {Whose.OURS.value}" if is_ours else f"{named}, not listed"

    def _tell(self) -> None:
        """Note what has been counted since the last time, and warn of what is due, if anything."""
        counts, self._counts = self._counts, Counter()
        if counts:
            self._note(ForeignPosts(by_rule=dict(counts)))
        now = self._clock.seconds()
        for key, bill in list(self._bills.items()):
            if bill.posts and now >= bill.due and (bill.is_said or not bill.is_ours):
                self._say(key, bill)
            elif now >= bill.due + GRACE:
                del self._bills[key]
