"""
What becomes of the numbers of a job whose folder was away, when it comes back with posts that an
earlier process had stored there, and this one never knew of.  Pure; takes the time.

Knows counters; does not know how a folder goes away, nor what is in it.
"""

from tcclient.ledger.counters import Counters, Tally


def counted_as_ours(tally: Tally, left: Counters, now: float) -> int:
    """
    Count the posts of an earlier process, whose counters are `left`, as this client's own: until
    now they were in the base, as the server had been told of them.  Return how many of those that
    it had told of are in no finished file.
    """
    told = left.told if isinstance(left.told, int) else left.base + left.posts
    if told > tally.base:  # the server's total did not have them
        return 0
    if isinstance(left.tried, int):  # the server may have taken what it was killed over
        told = max(told, min(left.tried, tally.base))
    in_base = max(0, told - left.base)
    tally.base -= in_base
    tally.posts += max(in_base, left.posts)
    tally.inherit(left)
    tally.resume(now)  # they are no part of a rate
    return max(0, in_base - left.posts)
