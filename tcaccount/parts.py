"""
Takes out of an account what no later line of its ledger changes, and puts it back.  Pure.

So an account of years goes on from a small state, and costs no more than its new lines.  Knows what
is settled; does not know where it is kept.
"""

from itertools import takewhile

from msgspec import Struct, structs

from tcaccount.record import Booked, Record
from tcclient.ledger.bookings import File, Torn
from tcclient.ledger.history import MissedTime, Wording
from tcclient.ledger.lines import UnreadableLine

MOST_UNREADABLE = 100
"""How many lines that cannot be read are kept one by one; all are counted."""


class Stint(Struct, frozen=True):
    """A time for which posts of a job were wanted, from a start to a stop, in epoch seconds."""

    job: int
    begin: float
    end: float


class AccountParts(Struct):
    """What is settled, each in the order of its ledger; `clock_steps` are as in a Fold."""

    stints: list[Stint] = []
    gaps: list[MissedTime] = []
    wordings: list[Wording] = []
    files: list[Booked] = []
    torn: list[Torn] = []
    clock_steps: list[tuple[float, float]] = []
    unreadable: list[UnreadableLine] = []


def detach(record: Record) -> AccountParts:
    """Take out of a record what is settled, and return it."""
    parts = AccountParts()
    for history in record.jobs.values():
        ended = len(history.stops)
        stints = zip(history.starts, history.stops, strict=False)
        parts.stints += [Stint(history.job, begin, end) for begin, end in stints]
        history.starts, history.stops = history.starts[ended:], []
        parts.gaps += history.closed
        history.closed = []
        # Terms are refused of the last one, also when it has ended; and the order is to be kept.
        settled = list(takewhile(_is_settled, history.wordings[:-1]))
        parts.wordings += settled
        history.wordings = history.wordings[len(settled) :]
    parts.files, record.files = [_without_counters(one) for one in record.files], []
    parts.torn, record.torn = record.torn, []
    parts.clock_steps, record.clock_steps = record.clock_steps, []
    room = MOST_UNREADABLE - (record.unread - len(record.unreadable))
    parts.unreadable, record.unreadable = record.unreadable[: max(0, room)], []
    return parts


def attach(record: Record, parts: AccountParts) -> None:
    """Put back what was taken out of a record."""
    for job, history in record.jobs.items():
        stints = [one for one in parts.stints if one.job == job]
        history.starts = [one.begin for one in stints] + history.starts
        history.stops = [one.end for one in stints] + history.stops
        history.closed = [one for one in parts.gaps if one.job == job] + history.closed
        history.wordings = [one for one in parts.wordings if one.job == job] + history.wordings
    record.files = parts.files + record.files
    record.torn = parts.torn + record.torn
    record.clock_steps = parts.clock_steps + record.clock_steps
    record.unreadable = parts.unreadable + record.unreadable


def _is_settled(wording: Wording) -> bool:
    """Return whether posts come no more for a keyword text that is not the last one."""
    return wording.begin is None or wording.end is not None


def _without_counters(booked: Booked) -> Booked:
    """Return a file without the numbers of its job, which no account shows."""
    if not isinstance(booked.entry, File):
        return booked
    entry = structs.replace(booked.entry, counters=None)
    return Booked(booked.number, booked.at, booked.job, entry)
