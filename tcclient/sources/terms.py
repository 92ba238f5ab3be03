"""
What the log says about the terms of a keyword text that are left out.

Knows the sentences; which terms are refused, and why, is decided by the source.
"""

from collections.abc import Sequence

from twisted.logger import Logger

from tcclient.ledger.entries import RefusedTerm

log = Logger()

MOST_TERMS = 20
"""How many refused terms of one keyword text the log names."""


def say_refused(name: str, refused_terms: Sequence[RefusedTerm], most: int = MOST_TERMS) -> None:
    """Warn which terms of the capture `name` are left out, and why; name the first `most`."""
    for refused in refused_terms[:most]:
        log.warn(
            "Capture {name!r}: the term {term!r} is left out: {reason}.",
            name=name,
            term=refused.term[:80],
            reason=refused.reason.rstrip("."),
        )
    more = len(refused_terms) - most
    if more > 0:
        log.warn(
            "Capture {name!r}: {n} more terms are left out; the ledger lists them.",
            name=name,
            n=more,
        )
