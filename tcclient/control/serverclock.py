"""
By how much this machine's clock and the server's differ, as the server's answers tell.  Pure.

Knows that answers take a while, and that their dates have whole seconds.
"""

from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from tcclient.runtime.wallclock import Date

RESOLUTION = 1.0
"""Seconds: the date of an answer is when it was made, or up to so much earlier."""


def offset(asked: Date, answered: Date, dates: Sequence[str] | None) -> float | None:
    """
    Return how many seconds the dates `asked` and `answered` are ahead of those that the answer has
    as Date, at least, and negative if behind: 0.0 if the answer can have been made meanwhile.  None
    if it does not have one date that can be read.
    """
    if dates is None or len(dates) != 1:
        return None
    try:
        made = parsedate_to_datetime(dates[0]).timestamp()
    except (ValueError, OverflowError):
        return None
    ahead, behind = asked - made - RESOLUTION, answered - made
    if ahead > 0:
        return ahead
    return behind if behind < 0 else 0.0
