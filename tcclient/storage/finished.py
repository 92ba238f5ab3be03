"""
What is known of a file that has its final name, and how the ledger says it.

Knows numbers and names; does not know how the file was written or found.
"""

import attrs

from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters


@attrs.frozen
class Finished:
    """
    A file that has its final name: its `name`, its posts, its bytes and their SHA-256.

    The ids are those of its first and last post, None where one cannot be read; the arrivals are
    when these two came, in epoch seconds, None where nobody knows any more.
    """

    name: str
    posts: int
    bytes: int
    sha256: str
    first_id: str | None
    last_id: str | None
    first_arrival: float | None
    last_arrival: float | None

    def for_ledger(self, counters: Counters | None, *, recovered: bool = False) -> bookings.File:
        """Return the line that books the file; `counters` are those of its job after it."""
        known = attrs.asdict(self)
        for name in ("first_arrival", "last_arrival"):
            known[name] = None if known[name] is None else entries.moment(known[name])
        return bookings.File(**known, counters=counters, recovered=recovered)
