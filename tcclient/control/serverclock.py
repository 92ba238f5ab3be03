"""
By how much this machine's clock and the server's differ, as the server's answers tell.  Pure.

Knows that answers take a while, and that their dates have whole seconds.
"""

from tcclient.runtime.wallclock import Date

RESOLUTION = 1.0
"""Seconds: the date of an answer is when it was made, or up to so much earlier."""


def offset(asked: Date, answered: Date, made: float | None) -> float | None:
    """
    Return how many seconds the dates `asked` and `answered` are ahead of when the answer says that
    it was `made`, at least, and negative if behind: 0.0 if it can have been made meanwhile.  None
    if it does not say so.
    """
    if made is None:
        return None
    ahead, behind = asked - made - RESOLUTION, answered - made
    if ahead > 0:
        return ahead
    return behind if behind < 0 else 0.0
