"""
The kinds of lines that only captures from v1.1 have in their ledgers, one type for each.

Knows the shapes of lines; writes none.
"""

from tcclient.ledger.entries import Count, Entry, Said


class Delete(Said, frozen=True):
    """v1.1: a post was deleted."""


class ScrubGeo(Said, frozen=True):
    """v1.1: a user took the places from posts."""


class StatusWithheld(Said, frozen=True):
    """v1.1: a post is withheld in countries."""


class UserWithheld(Said, frozen=True):
    """v1.1: a user is withheld in countries."""


class LimitNotice(Said, frozen=True, tag="limit"):
    """v1.1: posts matched that were not delivered.  `undelivered` is an estimate for the capture
    since it was opened: see `limits`."""

    undelivered: Count


class StallWarning(Said, frozen=True, tag="warning"):
    """v1.1: Twitter warns, of a slow reader for one."""


class AccountEvent(Said, frozen=True, tag="event"):
    """v1.1: something about the account."""


class ConnectionLimit(Entry, frozen=True):
    """v1.1: Twitter says, not in JSON, that there are too many connections."""

    text: str
