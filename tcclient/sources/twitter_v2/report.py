"""What an account says of what only v2 does: it can ask X for the posts of a gap.  Pure."""

from collections.abc import Iterator, Mapping

from tcclient.ledger.entries import Gap
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.wording import number
from tcclient.sources.source import SourceReport


class V2Report(SourceReport):
    """Counts the gaps whose posts X was asked for afterwards."""

    messages: Mapping[str, tuple[str, str]] = {}

    def __init__(self) -> None:
        self._asked = 0

    def take(self, line: LedgerLine) -> None:
        """Take the next line of the ledger; only gaps count."""
        entry = line.entry
        if isinstance(entry, Gap) and entry.backfill is not None and line.job is not None:
            self._asked += 1

    def of_gaps(self) -> Iterator[str]:
        """Yield how many gaps there was a backfill for, if any."""
        if self._asked:
            asked = number(self._asked)
            yield f"  X was asked for the posts of {asked} of them afterwards (backfill)"
