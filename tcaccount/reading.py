"""
What is needed to read the ledgers and files of captures.

Asks the kinds of sources for their lines, ids and tables; knows no kind by name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import msgspec

from tcclient.ledger.vocabulary import Vocabulary
from tcclient.sources.registry import KINDS, post_ids, vocabulary
from tcclient.sources.source import SourceKind, SourceReport, Table
from tcclient.storage.postids import PostIds


@attrs.frozen
class Reading:
    """
    How to read what these `kinds` of sources have brought: `vocabulary` has the kinds of lines,
    `ids` finds the ids of posts, and `tables` are those that only some sources fill, by name.
    """

    kinds: Sequence[SourceKind]
    vocabulary: Vocabulary
    ids: PostIds
    tables: Mapping[str, Table]

    @classmethod
    def of(cls, kinds: Sequence[SourceKind] = KINDS) -> "Reading":
        """Return how to read what these kinds of sources have brought, by default all."""
        tables = {name: table for kind in kinds for name, table in kind.tables.items()}
        return cls(kinds, vocabulary(kinds), post_ids(kinds=kinds), tables)

    def reports(self, told: Sequence[Any] = ()) -> list[SourceReport]:
        """Return a report of each source: an empty one, or one of what was told() before."""
        reports = [kind.report() for kind in self.kinds]
        for report, stored in zip(reports, told, strict=False):
            report.told = msgspec.convert(stored, type(report.told))
        return reports

    def told(self, reports: Sequence[SourceReport]) -> list[Any]:
        """Return what the reports have been told so far, as JSON has it."""
        return [msgspec.to_builtins(report.told) for report in reports]
