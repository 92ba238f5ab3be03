"""
What an account says of what only v2 has: backfill, and posts of which nobody knows whose they are.
Pure.
"""

from collections.abc import Iterator, Mapping

from tcclient.ledger.entries import Gap
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.wording import number
from tcclient.sources.source import SourceReport
from tcclient.sources.twitter_v2.entries import UnroutedPosts


class V2Report(SourceReport):
    """Counts the gaps whose posts X was asked for afterwards, and the posts that were unrouted."""

    messages: Mapping[str, tuple[str, str]] = {}

    def __init__(self) -> None:
        self._asked = 0
        self._unrouted = 0
        self._not_stored = 0
        self._folder = ""

    def take(self, line: LedgerLine) -> None:
        """Take the next line of the ledger."""
        entry = line.entry
        if isinstance(entry, Gap) and entry.backfill is not None and line.job is not None:
            self._asked += 1
        elif isinstance(entry, UnroutedPosts):
            self._unrouted += entry.posts
            self._not_stored += entry.not_stored
            self._folder = entry.folder

    def of_gaps(self) -> Iterator[str]:
        """Yield how many gaps there was a backfill for, if any."""
        if self._asked:
            asked = number(self._asked)
            yield f"  X was asked for the posts of {asked} of them afterwards (backfill)"

    def not_in_files(self) -> Iterator[str]:
        """Yield how many posts may be of this capture and are stored elsewhere, if any."""
        if self._unrouted:
            posts = number(self._unrouted)
            lost = f", but for {number(self._not_stored)} not stored" if self._not_stored else ""
            yield f"{posts} that name no rule may be its: they are in {self._folder}{lost}"
