"""
What the log says about the terms of a keyword text that are left out, and about changes of it.

Knows the sentences; which terms are refused, and why, is decided by the source.
"""

from collections.abc import Sequence

from twisted.logger import Logger

from tcclient.ledger.entries import RefusedTerm

log = Logger()

MOST_TERMS = 20
"""How many refused terms of one keyword text the log names."""
UNSURE = "may find nothing, or not what is meant"
"""What is said of a doubtful term."""


def say_delayed(delay: float) -> None:
    """Warn that keywords change so often that the next change waits for `delay` seconds."""
    log.warn(
        "Keywords change often: the next change takes effect in {delay:.0f} s, together with all "
        "that come until then.",
        delay=delay,
    )


def say_doubtful(name: str, doubtful: Sequence[RefusedTerm]) -> None:
    """Warn which terms of the capture `name` are doubtful, and why: the first MOST_TERMS."""
    _say(name, doubtful, UNSURE, f"{UNSURE}; the ledger lists them")


def say_refused(name: str, refused: Sequence[RefusedTerm]) -> None:
    """Warn which terms of the capture `name` are left out, and why: the first MOST_TERMS."""
    _say(name, refused, "is left out", "are left out; the ledger lists them")


def _say(name: str, terms: Sequence[RefusedTerm], each: str, others: str) -> None:
    for one in terms[:MOST_TERMS]:
        log.warn(
            f"Capture {{name!r}}: the term {{term!r}} {each}: {{reason}}.",
            name=name,
            term=one.term[:80],
            reason=one.reason.rstrip("."),
        )
    more = len(terms) - MOST_TERMS
    if more > 0:
        log.warn(f"Capture {{name!r}}: {{n}} more terms {others}.", name=name, n=more)
