"""
What is said of lines that are no messages, and of what else may come without end.

Knows what is worth a line of the ledger and a sentence in the log; opens and closes nothing.
"""

from collections.abc import Sequence

from twisted.logger import Logger

from tcclient.ledger.entries import RefusedLine, RefusedTerm
from tcclient.storage.archive import Archive
from tcclient.stream.framing import excerpt

log = Logger()

MOST_TERMS = 20
"""Refused terms of one keyword text that the log names."""


class Complaints:
    """What one stream is complained of: each kind of complaint once a connection."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def opened(self) -> None:
        """Begin anew: what was complained of on the last connection is news again."""
        self._said.clear()

    def refuse(self, archive: Archive, reason: str, size: int, line: bytes) -> None:
        """
        Note a line that is no message in the account, and the first of its kind in the log: it
        costs nothing else.  `size` are the bytes that it had, `line` is at least its beginning.
        """
        archive.note(RefusedLine(reason=reason, bytes=size, begins=excerpt(line)))
        self.say_once(
            archive.name,
            reason,
            f"a line of {size} bytes is {reason}; the ledger quotes its beginning",
        )

    def say_once(self, name: str, topic: str, text: str) -> None:
        """Warn of the capture `name`, unless there was a warning about this topic already."""
        if topic not in self._said:
            log.warn("Capture {name!r}: {text}.", name=name, text=text)
        self._said.add(topic)


def say_refused(name: str, refused_terms: Sequence[RefusedTerm], most: int = MOST_TERMS) -> None:
    """Warn which terms of the capture `name` are left out, and why."""
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
