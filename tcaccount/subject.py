"""
What an account is about: one capture, what its ledgers say, and how much of it is covered.  Pure.

Knows what summary, picture and JSON have in common; reads nothing.
"""

from collections.abc import Sequence

import attrs

from tcaccount.index import Index
from tcaccount.record import Record
from tcclient.ledger.intervals import total
from tcclient.ledger.wording import length, percent


@attrs.frozen
class Subject:
    """
    The capture `name`, which a client has open or not, what the ledgers say, and in `growing` the
    number of posts in each file that is not finished, by its name.
    """

    name: str
    is_open: bool
    record: Record
    index: Index
    growing: dict[str, int] = attrs.Factory(dict)

    def shares(self) -> list["Share"]:
        """Return the share of each job for which posts were wanted."""
        shares = []
        for history in self.record.jobs.values():
            away = self.index.elsewhere(history.job, self.name)
            wanted = total(history.wanted(away))
            if wanted > 0:
                shares.append(Share(history.job, wanted, history.missed(away)))
        return shares


@attrs.frozen
class Share:
    """For how many seconds posts of one job were wanted, and how many of these are missing."""

    job: int
    wanted: float
    missing: float

    @property
    def covered(self) -> str:
        """How much of the wanted time is covered, in percent."""
        return percent(self.wanted - self.missing, self.wanted)


def coverage(shares: Sequence[Share]) -> str:
    """Return a clause for the coverage of all jobs; an empty string if nothing was wanted."""
    wanted, missing = sum(one.wanted for one in shares), sum(one.missing for one in shares)
    if not shares:
        return ""
    return f"{percent(wanted - missing, wanted)} of the wanted time: {length(missing)} missing"
