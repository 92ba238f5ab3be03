"""
What an account says of what only v2 has: backfill, and posts of which nobody knows whose they are.
Pure.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from tcclient.ledger.entries import Gap
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.wording import number
from tcclient.sources.source import SourceReport
from tcclient.sources.twitter_v2.entries import UnroutedPosts


class BackfillsTold(Struct):
    """
    How many gaps X was asked to fill, how many posts were unrouted and how many of them are not
    stored, and the folder where they are.
    """

    asked: int = 0
    unrouted: int = 0
    not_stored: int = 0
    folder: str = ""


class V2Report(SourceReport):
    """Counts the gaps whose posts X was asked for afterwards, and the posts that were unrouted."""

    messages: Mapping[str, tuple[str, str]] = {}

    def __init__(self) -> None:
        self.told = BackfillsTold()

    def take(self, line: LedgerLine) -> None:
        entry, told = line.entry, self.told
        if isinstance(entry, Gap) and entry.backfill is not None and line.job is not None:
            told.asked += 1
        elif isinstance(entry, UnroutedPosts):
            told.unrouted += entry.posts
            told.not_stored += entry.not_stored
            told.folder = entry.folder

    def of_gaps(self) -> Iterator[str]:
        """Yield how many gaps there was a backfill for, if any."""
        if self.told.asked:
            asked = number(self.told.asked)
            yield f"  X was asked for the posts of {asked} of them afterwards (backfill)"

    def not_in_files(self) -> Iterator[str]:
        """Yield how many posts may be of this capture and are stored elsewhere, if any."""
        told = self.told
        if told.unrouted:
            posts = number(told.unrouted)
            lost = f", but for {number(told.not_stored)} not stored" if told.not_stored else ""
            yield f"{posts} that name no rule may be its: they are in {told.folder}{lost}"
