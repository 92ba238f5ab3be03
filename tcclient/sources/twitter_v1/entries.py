"""
What only captures from v1.1 have in their ledgers: one type for each kind of line.

Knows shapes; writes none.
"""

from tcclient.ledger.entries import Count, Entry, Said


class Delete(Said, frozen=True):
    """a post was deleted."""


class ScrubGeo(Said, frozen=True):
    """a user took the places from posts."""


class StatusWithheld(Said, frozen=True):
    """a post is withheld in countries."""


class UserWithheld(Said, frozen=True):
    """a user is withheld in countries."""


class LimitNotice(Said, frozen=True, tag="limit"):
    """posts matched that were not delivered.  `undelivered` is an estimate for the capture
    since it was opened: see `limits`."""

    undelivered: Count


class StallWarning(Said, frozen=True, tag="warning"):
    """Twitter warns, of a slow reader for one."""


class AccountEvent(Said, frozen=True, tag="event"):
    """something about the account."""


class ConnectionLimit(Entry, frozen=True):
    """Twitter says, not in JSON, that there are too many connections."""

    text: str
