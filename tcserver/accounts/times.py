"""
Gaps, and times in which posts were wanted, of many ledgers, as far as they ended after some moment.

Knows the index that has these alone, and how databases come to use it.
"""

from collections.abc import Collection
from typing import TypeAlias

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from tcserver.accounts.models import AccountPart

TimeRow: TypeAlias = tuple[int, int, int, str, int | None, str]
"""Number, ledger, position, kind, job and data of a part of an account."""
_OF_THE_INDEX = "kind IN ('gap', 'stint')"
# SQLite takes an index of some rows only where the same words are in the query, not parameters; and
# with an order it may rather read all rows there are in that order.


def times_since(ledgers: Collection[int], since: float) -> list[TimeRow]:
    """Return the parts of these ledgers that ended at `since`, in epoch seconds, or later."""
    rows = AccountPart.objects.filter(
        RawSQL(_OF_THE_INDEX, (), output_field=BooleanField()), ledger__in=ledgers, end__gte=since
    )
    return sorted(rows.values_list("pk", "ledger", "position", "kind", "job", "data"))
