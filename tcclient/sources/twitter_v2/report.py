"""What an account says of the lines that only v2 writes: nothing of its own.  Pure."""

from collections.abc import Iterator, Mapping

from tcclient.ledger.lines import LedgerLine
from tcclient.sources.source import SourceReport


class V2Report(SourceReport):
    """Adds nothing to an account: rules and budget explain gaps, which every account lists."""

    messages: Mapping[str, tuple[str, str]] = {}

    def take(self, line: LedgerLine) -> None:
        """Ignore the next line of the ledger."""

    def not_in_files(self) -> Iterator[str]:
        """Yield nothing."""
        yield from ()
