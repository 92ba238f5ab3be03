"""
Compares a file with the line of the ledger that accounts for it.  Pure.

Knows what has to be equal, and which differences are as they should be; reads nothing.
"""

from collections.abc import Iterator

import attrs

from tcaccount.posts import FileContents
from tcaccount.record import Booked
from tcclient.ledger.wording import number


@attrs.frozen
class Difference:
    """Something that does not agree: a sentence."""

    text: str


@attrs.frozen
class Remark:
    """Something that a reader should know, and that is as it should be: a sentence."""

    text: str


Finding = Difference | Remark


def compare(booked: Booked, found: FileContents) -> Iterator[Finding]:
    """Yield what is not as the ledger says, and which lines of the file are no posts."""
    changes = list(_changes(booked, found))
    if changes:
        yield Difference(f"{booked.entry.name} is not what was written: {', '.join(changes)}.")
    # A file from before the ledger is kept as it was found, whatever is in it; and a line that was
    # damaged on its way here was stored as it came.
    is_as_it_came = booked.entry.sha256 is not None and not changes
    kind = Remark if booked.is_adopted or is_as_it_came else Difference
    for text in _broken(found):
        yield kind(f"{booked.entry.name} {text}.")
    if found.together:
        # Nothing stores several posts as one: each of them is missing from the count.
        kind = Remark if booked.is_adopted else Difference
        lines = number(found.together, "line that holds", "lines that hold")
        yield kind(
            f"{booked.entry.name} has {lines} several posts; the first is its post "
            f"{number(found.first_together)}."
        )


def _changes(booked: Booked, found: FileContents) -> Iterator[str]:
    """Yield a clause for each number of a file that is not the ledger's."""
    entry = booked.entry
    if found.posts != entry.posts:
        yield f"it has {number(found.posts, 'post')} and had {number(entry.posts)}"
    if found.bytes != entry.bytes:
        yield f"it has {number(found.bytes, 'byte')} and had {number(entry.bytes)}"
    if entry.sha256 is not None and found.sha256 != entry.sha256:
        yield f"its SHA-256 is {found.sha256} and was {entry.sha256}"


def _broken(found: FileContents) -> Iterator[str]:
    """Yield a clause about lines that are no posts; the file's name goes in front."""
    if found.torn:
        yield f"ends with a line of {number(found.torn, 'byte')} that no newline ends"
    if found.broken:
        lines = number(
            found.broken, "line that is no JSON object", "lines that are no JSON objects"
        )
        yield f"has {lines}; the first is its post {number(found.first_broken)}"
