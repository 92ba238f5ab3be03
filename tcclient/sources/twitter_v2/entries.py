"""
The kinds of lines that only captures from v2 have in their ledgers, one type for each.

Knows the shapes of lines; writes none.
"""

from msgspec import Struct

from tcclient.ledger.entries import Count, Entry, Moment, Seconds


class LedgerRule(Struct, frozen=True, omit_defaults=True):
    """A rule at X; lines of the first release that had rules do not tell its tag."""

    id: str
    value: str
    tag: str | None = None


class RulesAccepted(Entry, frozen=True):
    """v2: X has taken rules of the capture, which work within so many seconds."""

    rules: tuple[LedgerRule, ...]
    works_in: Seconds


class RulesDeleted(Entry, frozen=True):
    """v2: X has taken off rules of the capture; they may match a little longer."""

    rules: tuple[LedgerRule, ...]


class RulesFailed(Entry, frozen=True):
    """v2: the rules cannot be kept up to date, for a reason that is news."""

    reason: str
    wait: Seconds


class RulesHeld(Entry, frozen=True):
    """
    v2: X has rules of this client as one of the server for which a key stands, or has none any
    more.  Those that it has are looked after at the next start, whether or not anything runs.
    """

    server: str
    held: bool


class ConnectionFreed(Entry, frozen=True):
    """
    v2: X still had a connection of this client that was over, opened `since` then, by X's clock,
    and seen to come from an address; it was ended, so that the app has its slot again.
    """

    id: str
    since: Moment
    client_ip: str


class SampleRefused(Entry, frozen=True):
    """v2: a capture without keywords does not run."""

    reason: str


class BudgetUnkept(Entry, frozen=True):
    """v2: what is spent cannot be kept on disk, so that nothing is captured."""

    reason: str


class BudgetExhausted(Entry, frozen=True):
    """
    v2: a limit of `twitter.budget` is reached.  Of the posts spent `estimated` are not counted but
    taken for what came before the client was killed: there were that many at most.
    """

    name: str
    spent: Count
    limit: Count
    until: Moment
    estimated: Count = 0


class BudgetRenewed(Entry, frozen=True):
    """v2: posts may be bought again."""


class ForeignPosts(Entry, frozen=True):
    """
    v2: posts that X delivered, and billed, and no capture here asked for, by the id of the rule
    that they matched: `""` for one without an id, `others` where there are too many.
    """

    is_routine = True

    by_rule: dict[str, int]


class UnroutedPosts(Entry, frozen=True):
    """
    v2: posts that name none of the rules that they matched, so that they may be of this capture, or
    of another one that was streaming.  They are in `folder`, beside those of the captures, except
    for so many that were `not_stored`, as the disk had not taken them.
    """

    posts: Count
    folder: str
    not_stored: Count = 0


class UnroutedUntold(Entry, frozen=True):
    """
    v2: posts that name no rule, and that come after the first `told` of them in this folder, may be
    of these captures, job id -> name, whose ledgers do not say so yet.  None: they do by now.
    """

    told: Count
    captures: dict[str, str]
